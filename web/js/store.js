// What the page shows: the server's settings and stream with the user's wishes laid over them, and what only the page
// knows. Wishes are what goes into the address and what a new connection is told, so that a look survives both.

import { Emitter } from "./events.js";

/** What only the page knows, as long as nobody wishes otherwise. */
export const PAGE_DEFAULTS = Object.freeze({ input: "draw", grid: 1, scaling: "smooth", mirror: true, view: "all" });

/** Events: "change" ({scope, fields, by}), where by is "wish" for what the user did and "server" for what it told. */
export class Store extends Emitter {
  /** @type {Record<string, any>} as the server has them */
  #server = { settings: {}, stream: {}, page: PAGE_DEFAULTS };
  /** @type {{settings: object, stream: object, page: object}} */
  wishes = { settings: {}, stream: {}, page: {} };
  models = [];
  limits = { frames_under_way: 2, largest_side: 128 };
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

  /** The stream whose pictures come at present; a wished one may still be loading. */
  get currentStream() {
    return this.#server.stream;
  }

  get model() {
    return this.models.find(({ id }) => id === this.stream.model) ?? this.models[0];
  }

  /**
   * The user wants something. LoRA scales are merged, all else replaced.
   * @param {"settings"|"stream"|"page"} scope
   * @param {object} values
   */
  wish(scope, values) {
    const loras = values.loras && { loras: { ...this.wishes[scope].loras, ...values.loras } };
    this.wishes[scope] = { ...this.wishes[scope], ...values, ...loras };
    this.#changed(scope, values, "wish");
  }

  /** @param {"settings"|"stream"} scope @param {string[]} fields */
  forget(scope, fields) {
    const kept = Object.entries(this.wishes[scope]).filter(([field]) => !fields.includes(field));
    this.wishes[scope] = Object.fromEntries(kept);
    this.#changed(scope, Object.fromEntries(fields.map((field) => [field, null])), "server");
  }

  /** Takes over a whole look, as from a link. */
  replaceWishes(wishes) {
    this.wishes = wishes;
    for (const scope of ["settings", "stream", "page"]) this.#changed(scope, this[scope], "wish");
  }

  /**
   * The server has told how things are.
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
