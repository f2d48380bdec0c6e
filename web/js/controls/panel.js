// The panel of controls, built from their definitions and kept in step with the store.

import { make } from "../dom.js";
import { groups } from "./definitions.js";
import { makeField } from "./fields.js";
import { shapeOf, sideOf, sidesFor, sizeFor } from "./size.js";

const SHAPES = groups.flatMap(({ controls }) => controls).find(({ field }) => field === "shape").options.map(([shape]) => shape);

export class Panel {
  #place;
  #store;
  /** @type {{control: import("./definitions.js").Control, field: import("./fields.js").Field}[]} */
  #rows = [];
  /** @type {import("../store.js").Store["schemas"]} */
  #schemas;
  #loras = make("div", { className: "group-body" });
  /** @type {Map<string, import("./fields.js").Field>} */
  #loraFields = new Map();

  /**
   * @param {HTMLElement} place
   * @param {import("../store.js").Store} store
   */
  constructor(place, store) {
    this.#place = place;
    this.#store = store;
    const sections = groups.map((group) => this.#group(group));
    sections.splice(2, 0, section("LoRAs", true, this.#loras));
    place.append(...sections);
    store.on("change", () => this.#show());
  }

  /**
   * Shows a refusal at its control.
   * @param {{scope: string, field: string, message: string}} refusal
   * @returns {boolean} false if there is no such control
   */
  refuse({ scope, field, message }) {
    const name = { width: "side", height: "side" }[field] ?? field;
    const row = this.#rows.find(({ control }) => control.scope === scope && control.field === name);
    row?.field.refuse(message);
    if (row) row.field.element.closest("details").open = true;
    return row !== undefined;
  }

  #group({ title, open, controls }) {
    const body = make("div", { className: "group-body" });
    for (const control of controls) {
      const field = makeField(control, (value) => this.#wish(control, value));
      this.#rows.push({ control, field });
      body.append(field.element);
    }
    return section(title, open, body);
  }

  #wish({ scope, field }, value) {
    for (const row of this.#rows) row.field.refuse("");
    const { stream, model } = this.#store;
    if (field === "model") {
      const { native_size: side } = this.#store.models.find(({ id }) => id === value);
      this.#store.forget("settings", ["loras"]);
      this.#store.wish("stream", { model: value, width: side, height: side });
    } else if (field === "side") {
      this.#store.wish("stream", sizeFor(Number(value), shapeOf(stream, SHAPES), model.size_multiple));
    } else if (field === "shape") {
      this.#store.wish("stream", sizeFor(sideOf(stream), value, model.size_multiple));
    } else {
      this.#store.wish(scope, { [field]: value });
    }
  }

  #show() {
    const { models, model, stream } = this.#store;
    if (!model) return;
    this.#place.removeAttribute("aria-busy");
    if (this.#schemas !== this.#store.schemas) this.#describe(this.#store.schemas);
    const values = { settings: this.#store.settings, stream, page: this.#store.page };
    for (const { control, field } of this.#rows) {
      const { scope, field: name } = control;
      field.element.hidden = !(control.shown?.(values) ?? true);
      if (name === "model") field.set(model.id, models.map(({ id, device }) => [id, `${id} · ${device}`]));
      else if (name === "side") field.set(String(sideOf(stream)), sidesFor(sideOf(stream), model, this.#store.limits.largest_side));
      else if (name === "shape") field.set(shapeOf(stream, SHAPES));
      else field.set(values[scope][name]);
    }
    this.#showLoras(values.settings.loras);
  }

  /** Gives the controls the ranges, choices and help of the server. */
  #describe(schemas) {
    this.#schemas = schemas;
    for (const { control, field } of this.#rows) {
      const schema = schemas[control.scope]?.[control.field];
      if (schema) field.describe(schema);
    }
    for (const field of this.#loraFields.values()) field.describe(this.#loraSchema());
  }

  #loraSchema() {
    return this.#schemas?.settings.loras?.additionalProperties ?? {};
  }

  #showLoras(scales) {
    const names = Object.keys(scales);
    if (names.join() !== [...this.#loraFields.keys()].join() || !this.#loras.hasChildNodes()) this.#makeLoras(names);
    for (const [name, field] of this.#loraFields) field.set(scales[name]);
  }

  #makeLoras(names) {
    this.#loraFields = new Map(names.map((name) => [name, this.#loraField(name)]));
    const none = make("p", { className: "field-help", textContent: "None loaded. Start the server with --lora FILE to mix styles in here." });
    this.#loras.replaceChildren(...(names.length ? [...this.#loraFields.values()].map(({ element }) => element) : [none]));
  }

  #loraField(name) {
    const control = {
      field: name, scope: "settings", label: name, kind: "slider", min: -1, max: 2, step: 0.05,
      help: "0 is without it, 1 as it was made.",
    };
    const field = makeField(control, (scale) => this.#store.wish("settings", { loras: { [name]: scale } }));
    field.describe(this.#loraSchema());
    return field;
  }
}

function section(title, open, body) {
  return make("details", { className: "group", open }, make("summary", { textContent: title }), body);
}
