// Sends the user's wishes to the server and the server's answers to the store. Wishes are gathered while an answer is
// awaited, so that typing and dragging do not flood the server.

import { Emitter } from "./events.js";

/** Events: "refused" ({scope, field, message}), "loading" (a model's name, or "" when loading has ended). */
export class Synchroniser extends Emitter {
  #connection;
  #store;
  #gathered = { settings: {}, stream: {} };
  /** @type {Map<number, {scope: string, values: object}>} messages that await an answer, by id */
  #asked = new Map();
  #lastId = 0;

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {import("./store.js").Store} store
   */
  constructor(connection, store) {
    super();
    this.#connection = connection;
    this.#store = store;
    store.on("change", ({ scope, fields, by }) => {
      if (by === "wish" && scope !== "page") this.#gather(scope, fields);
    });
    connection.on("hello", (hello) => this.#begin(hello));
    connection.on("settings", ({ id, settings }) => this.#answered(id, { settings }));
    connection.on("stream", ({ id, stream, settings }) => this.#answered(id, { stream, settings }));
    connection.on("loading", ({ model }) => this.emit("loading", model));
    connection.on("error", (error) => this.#refused(error));
  }

  #begin({ session, settings, schema, stream, stream_schema, models, limits }) {
    this.#asked.clear();
    Object.assign(this.#store, { models, limits, schemas: { settings: schema, stream: stream_schema }, session });
    this.#store.fromServer({ stream, settings });
    // #flush sends the stream first, because its model determines which LoRAs there are.
    this.#gathered = { settings: { ...this.#store.wishes.settings }, stream: { ...this.#store.wishes.stream } };
    this.#flush();
  }

  #gather(scope, fields) {
    const wishes = this.#store.wishes[scope];
    for (const field of fields) if (field in wishes) this.#gathered[scope][field] = wishes[field];
    this.#flush();
  }

  #flush() {
    for (const scope of ["stream", "settings"]) {
      const values = this.#gathered[scope];
      if (!this.#connection.open || this.#asked.size > 0 || Object.keys(values).length === 0) continue;
      const id = ++this.#lastId;
      this.#gathered[scope] = {};
      this.#asked.set(id, { scope, values });
      this.#connection.send({ type: scope, id, [scope]: values });
    }
  }

  #answered(id, told) {
    this.#asked.delete(id);
    this.#store.fromServer(told);
    if (told.stream) this.emit("loading", "");
    this.#flush();
  }

  /** Sends a refused message again without the wrong field, because nothing of a refused message takes effect. */
  #refused({ id, field, message }) {
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    const { scope, values } = asked;
    const wrong = field in values ? [field] : Object.keys(values);
    for (const name of Object.keys(values)) {
      const isNewer = name in this.#gathered[scope];
      if (!wrong.includes(name) && !isNewer) this.#gathered[scope][name] = values[name];
    }
    this.#store.forget(scope, wrong.filter((name) => !(name in this.#gathered[scope])));
    if (scope === "stream") this.emit("loading", "");
    this.emit("refused", { scope, field: wrong[0], message });
    this.#flush();
  }
}
