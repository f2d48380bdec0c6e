// The settings that the page shows: the server's, overridden by the user's wishes, and those of the page alone. Wishes
// go into the address and are sent on a new connection, so they survive a reload and a lost connection.

import { Emitter } from "./events.js";

/** The defaults of the settings that only the page has. */
export const PAGE_DEFAULTS = Object.freeze({ input: "draw", grid: 1, scaling: "smooth", mirror: true, view: "all" });

/** Events: "change" ({scope, fields, by}). `by` is "wish" for changes by the user, else "server". */
export class Store extends Emitter {
  /** @type {Record<string, any>} the settings in effect on the server */
  #server = { settings: {}, stream: {}, page: PAGE_DEFAULTS };
  /** @type {{settings: object, stream: object, page: object}} */
  wishes = { settings: {}, stream: {}, page: {} };
  models = [];
  limits = { frames_under_way: 2, largest_side: 128 };
  /** @type {Record<string, Record<string, import("./controls/fields.js").Schema>>} values that the server permits, by scope and name */
  schemas = { settings: {}, stream: {} };
  session = "";

  get settings() {
    const loras = { ...this.#server.settings.loras, ...this.wishes.settings.loras };
    return { ...this.#laidOver("settings"), loras };
  }

  get stream() {
    return this.#laidOver("stream");
  }

  get page() {
    return this.#laidOver("page");
  }

  /** The stream whose frames come now. The one that the user chose may still be loading. */
  get currentStream() {
    return this.#server.stream;
  }

  get model() {
    return this.models.find(({ id }) => id === this.stream.model) ?? this.models[0];
  }

  /**
   * Notes wishes of the user. LoRA scales are merged; other values replace older ones.
   * @param {"settings"|"stream"|"page"} scope
   * @param {object} values
   */
  wish(scope, values) {
    const loras = values.loras && { loras: { ...this.wishes[scope].loras, ...values.loras } };
    this.wishes[scope] = { ...this.wishes[scope], ...values, ...loras };
    this.#changed(scope, values, "wish");
  }

  /** Drops wishes, so that the server's values show. @param {"settings"|"stream"} scope @param {string[]} fields */
  forget(scope, fields) {
    const kept = Object.entries(this.wishes[scope]).filter(([field]) => !fields.includes(field));
    this.wishes[scope] = Object.fromEntries(kept);
    this.#changed(scope, Object.fromEntries(fields.map((field) => [field, null])), "server");
  }

  /** Replaces all wishes, for example by those in a link. */
  replaceWishes(wishes) {
    this.wishes = wishes;
    for (const scope of ["settings", "stream", "page"]) this.#changed(scope, this[scope], "wish");
  }

  /**
   * Takes over the settings that the server reports.
   * @param {{settings: object, stream?: object}} told
   */
  fromServer(told) {
    this.#server = { ...this.#server, ...told };
    for (const [scope, values] of Object.entries(told)) this.#changed(scope, values, "server");
  }

  #laidOver(scope) {
    return { ...this.#server[scope], ...this.wishes[scope] };
  }

  #changed(scope, values, by) {
    this.emit("change", { scope, fields: Object.keys(values), by });
  }
}
