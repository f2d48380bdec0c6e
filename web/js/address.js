// Stores the user's settings (a "look") in the hash of the address, so that they can be bookmarked and shared:
// #prompt=red+apple&steps=4&lora.ink=0.8

import { groups } from "./controls/definitions.js";
import { PAGE_DEFAULTS } from "./store.js";

const SETTINGS = groups.flatMap(({ controls }) => controls).filter(({ scope }) => scope === "settings");
const SCOPES = {
  settings: ["prompt", ...SETTINGS.map(({ field }) => field)],
  stream: ["model", "width", "height", "frame_buffer", "denoising_batch", "fit", "format", "quality"],
  page: ["input", "grid", "scaling", "mirror", "view"],
};
const TEXT_SETTINGS = SETTINGS.filter(({ kind }) => kind === "text" || kind === "choice").map(({ field }) => field);
const TEXTS = new Set(["prompt", ...TEXT_SETTINGS, "model", "fit", "format", "input", "scaling", "view"]);
const LORA = "lora.";
const WRITE_DELAY = 300;  // Milliseconds. Browsers limit how often a page may change its address.

/**
 * Writes wishes as a hash, without the page's defaults.
 * @param {{settings: object, stream: object, page: object}} wishes
 */
export function toHash(wishes) {
  const hash = new URLSearchParams();
  for (const [scope, fields] of Object.entries(SCOPES)) {
    for (const field of fields) {
      const value = wishes[scope][field];
      if (value !== undefined && value !== PAGE_DEFAULTS[field]) hash.set(field, TEXTS.has(field) ? value : JSON.stringify(value));
    }
  }
  for (const [name, scale] of Object.entries(wishes.settings.loras ?? {})) hash.set(LORA + name, String(scale));
  return hash.toString();
}

/** Reads wishes from a hash and ignores unknown or malformed fields. @param {string} text */
export function fromHash(text) {
  const wishes = { settings: {}, stream: {}, page: {} };
  for (const [field, value] of new URLSearchParams(text)) {
    const scope = Object.keys(SCOPES).find((name) => SCOPES[name].includes(field));
    if (scope) {
      const parsed = TEXTS.has(field) ? value : parse(value);
      if (parsed !== undefined) wishes[scope][field] = parsed;
    } else if (field.startsWith(LORA) && Number.isFinite(Number(value))) {
      wishes.settings.loras = { ...wishes.settings.loras, [field.slice(LORA.length)]: Number(value) };
    }
  }
  return wishes;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Keeps the address and the store in step, both ways. @param {import("./store.js").Store} store */
export function keepInAddress(store) {
  let timer = 0;
  let written = location.hash.slice(1);
  store.replaceWishes(fromHash(written));
  const write = () => {
    timer = 0;
    written = toHash(store.wishes);
    history.replaceState(null, "", `${location.pathname}${location.search}${written && "#"}${written}`);
  };
  store.on("change", ({ by }) => {
    if (by === "wish") timer ||= setTimeout(write, WRITE_DELAY);
  });
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) !== written) store.replaceWishes(fromHash(location.hash.slice(1)));
  });
}
