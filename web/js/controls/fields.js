// One function for each kind of control, which builds its HTML elements.

import { icon, make } from "../dom.js";

/** @typedef {import("./definitions.js").Control} Control */
/**
 * @typedef {object} Field
 * @property {HTMLElement} element the row of the control
 * @property {(value: any) => void} set shows a value
 * @property {(schema: Schema) => void} describe takes over the range, choices and help that the control does not have
 * @property {(message: string) => void} refuse shows why a value was refused; "" hides the message
 */

/**
 * @typedef {object} Schema what the server permits (docs/server.md)
 * @property {string|string[]} type
 * @property {number} [minimum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [maximum]
 * @property {string[]} [enum]
 * @property {string} [description]
 * @property {string} [unit]
 */

let lastId = 0;

/**
 * Builds the row of a control.
 * @param {Control} control
 * @param {(value: any) => void} wish called with each value that the user chooses
 * @returns {Field}
 */
export function makeField(control, wish) {
  const id = `control-${++lastId}`;
  const { body, labelled = false, set, beside = [], permit = () => {} } = KINDS[control.kind](control, wish, id);
  const label = make(labelled ? "span" : "label", { className: "field-label", textContent: control.label, id: `${id}-label` });
  if (!labelled) label.htmlFor = id;
  const error = make("p", { className: "field-error", role: "alert", hidden: true });
  const help = make("p", { className: "field-help", id: `${id}-help`, textContent: control.help ?? "" });
  const head = make("div", { className: "field-head" }, label, ...beside);
  const element = make("div", { className: `field field-${control.kind}` }, head, ...body, help, error);
  const refuse = (message) => {
    error.textContent = message;
    error.hidden = message === "";
    element.classList.toggle("refused", message !== "");
  };
  const describe = (schema) => {
    permit(schema);
    help.textContent = control.help ?? sentence(schema);
  };
  return { element, set, refuse, describe };
}

/** The schema's description as a sentence with the unit. @param {Schema} schema */
function sentence({ description = "", unit }) {
  return description && capitalised(description) + (unit ? `, in ${unit}` : "") + ".";
}

const capitalised = (text) => text[0].toUpperCase() + text.slice(1);

/** Gives an input the range of a schema, where the control has none. */
function setRange(input, { min, limit }, { minimum, exclusiveMinimum, maximum }) {
  input.min = min ?? minimum ?? exclusiveMinimum ?? "";
  input.max = limit ?? maximum ?? "";
}

const KINDS = { slider, choice, toggle, text, number, numbers, select };

function slider({ min, max, limit, step, label }, wish, id) {
  const range = make("input", { type: "range", id, min, max, step, "aria-describedby": `${id}-help` });
  const exact = make("input", {
    type: "number", className: "exact", min: Math.min(min, 0), max: limit ?? max, step: "any", "aria-label": `${label}, as a number`,
  });
  const fill = (value) => {
    const part = Math.min(Math.max((value - range.min) / (range.max - range.min), 0), 1);
    range.style.setProperty("--part", String(part));
  };
  range.oninput = () => {
    fill(range.valueAsNumber);
    exact.value = range.value;
    wish(range.valueAsNumber);
  };
  exact.onchange = () => {
    if (!Number.isNaN(exact.valueAsNumber)) wish(exact.valueAsNumber);
  };
  const set = (value) => {
    fill(value);
    range.value = value;
    if (document.activeElement !== exact) exact.value = value;
  };
  const permit = (schema) => {
    setRange(exact, { limit }, schema);
    range.min = Math.max(min, schema.minimum ?? min);
    range.max = Math.min(max, schema.maximum ?? max);
  };
  return { body: [range], beside: [exact], set, permit };
}

function choice({ options, labels = {} }, wish, id) {
  const group = make("div", { className: "segments", role: "radiogroup", "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-help` });
  const segment = ([value, name]) => {
    const input = make("input", { type: "radio", name: id, value, onchange: () => wish(value) });
    return make("label", { className: "segment" }, input, make("span", { textContent: name }));
  };
  const permit = ({ enum: names = [] }) => {
    const choices = options ?? names.map((name) => [name, labels[name] ?? capitalised(name)]);
    group.replaceChildren(...choices.map(segment));
  };
  permit({});
  const set = (value) => {
    for (const input of group.querySelectorAll("input")) input.checked = input.value === value;
  };
  return { body: [group], labelled: true, set, permit };
}

function toggle(_, wish, id) {
  const input = make("input", { type: "checkbox", id, className: "switch", role: "switch", "aria-describedby": `${id}-help` });
  input.onchange = () => wish(input.checked);
  return { body: [], beside: [input], set: (value) => (input.checked = value) };
}

function text(_, wish, id) {
  const input = make("textarea", { id, rows: 2, spellcheck: false, "aria-describedby": `${id}-help` });
  input.oninput = () => wish(input.value);
  const set = (value) => {
    if (document.activeElement !== input) input.value = value;
  };
  return { body: [input], set };
}

function number({ field, min, limit, step }, wish, id) {
  let mayBeEmpty = false;
  const input = make("input", { type: "number", id, min, max: limit, step, className: "exact wide", "aria-describedby": `${id}-help` });
  input.onchange = () => {
    if (!Number.isNaN(input.valueAsNumber)) wish(input.valueAsNumber);
    else if (mayBeEmpty) wish(null);
  };
  const set = (value) => {
    if (document.activeElement !== input) input.value = value ?? "";
  };
  const dice = make("button", { type: "button", className: "tool", title: "Another seed (D)", "aria-label": "Another seed" }, icon("dice"));
  dice.onclick = () => {
    input.value = anotherSeed();
    wish(input.valueAsNumber);
  };
  const permit = (schema) => {
    mayBeEmpty = schema.type.includes("null");
    setRange(input, { min, limit }, schema);
  };
  return { body: [], beside: field === "seed" ? [input, dice] : [input], set, permit };
}

/** A random seed below 2^31, which other programs accept too. */
export const anotherSeed = () => Math.floor(Math.random() * 2 ** 31);

function numbers(_, wish, id) {
  const input = make("input", { type: "text", id, inputMode: "numeric", placeholder: "from strength and steps", "aria-describedby": `${id}-help` });
  input.onchange = () => wish((input.value.match(/\d+/g) ?? []).map(Number));
  const set = (value) => {
    if (document.activeElement !== input) input.value = value.join(" ");
  };
  return { body: [input], set };
}

function select(_, wish, id) {
  const input = make("select", { id, "aria-describedby": `${id}-help` });
  input.onchange = () => wish(input.value);
  /** @param {string} value @param {[string, string][]} options */
  const set = (value, options) => {
    const offered = JSON.stringify(options);
    if (input.dataset.options !== offered) {
      input.replaceChildren(...options.map(([option, name]) => make("option", { value: option, textContent: name })));
      input.dataset.options = offered;
    }
    input.value = value;
  };
  return { body: [input], set };
}
