// Handles keyboard shortcuts and lists them in the help dialog.

import { find, make } from "./dom.js";

const SINGLE_KEYS = "streamdiffusion.single-keys";

/** @typedef {{key: string, shown?: string, label: string, act: () => void, control?: boolean}} Key */

/** @param {{title: string, keys: Key[]}[]} groups */
export function listenToKeys(groups) {
  const keys = groups.flatMap((group) => group.keys);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
    if (event.altKey || document.querySelector("dialog[open]")) return;
    const control = event.ctrlKey || event.metaKey;
    if (isTyping(event.target) || (!control && localStorage.getItem(SINGLE_KEYS) === "off")) return;
    // The focused element uses some keys itself: the space bar presses a button, arrows move a slider.
    if (!control && usesKey(event.target, event.key)) return;
    const pressed = control && event.shiftKey ? `shift ${event.key.toLowerCase()}` : event.key.toLowerCase();
    const key = keys.find((each) => each.key === pressed && Boolean(each.control) === control);
    if (!key) return;
    event.preventDefault();
    key.act();
  });
  listKeys(groups);
}

function isTyping(target) {
  return target instanceof HTMLElement && target.matches('textarea, select, input:not([type="range"], [type="radio"], [type="checkbox"])');
}

function usesKey(target, key) {
  if (!(target instanceof HTMLElement)) return false;
  if (key === " " || key === "Enter") return target.matches("button, input, summary, a, video");
  return key.startsWith("Arrow") && target.matches('input, canvas[tabindex], video');
}

function listKeys(groups) {
  find("#keys").replaceChildren(
    ...groups.map(({ title, keys }) =>
      make("section", {}, make("h3", { textContent: title }), ...keys.filter(({ label }) => label).map(keyLine)),
    ),
  );
  const single = /** @type {HTMLInputElement} */ (find("#single-keys"));
  single.checked = localStorage.getItem(SINGLE_KEYS) !== "off";
  single.onchange = () => localStorage.setItem(SINGLE_KEYS, single.checked ? "on" : "off");
}

function keyLine({ key, shown, label, control }) {
  const name = shown ?? (control ? `Ctrl ${key.toUpperCase()}` : key.toUpperCase());
  return make("p", {}, label, make("kbd", { textContent: name }));
}
