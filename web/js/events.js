/** Base class of objects that emit named events with a detail. */
export class Emitter {
  #listeners = new Map();

  /** @param {string} name @param {(detail: any) => void} listener */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, [...listeners, listener]);
  }

  /** @param {string} name @param {any} [detail] */
  emit(name, detail) {
    for (const listener of this.#listeners.get(name) ?? []) listener(detail);
  }
}
