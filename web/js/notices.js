import { find, make } from "./dom.js";

const SHOWN = 5000;
const MOST = 3;

/**
 * Shows a message for 5 seconds.
 * @param {string} text
 * @param {"good"|"bad"} [kind]
 */
export function notice(text, kind = "good") {
  const place = find("#notices");
  const element = make("div", { className: `notice ${kind}`, textContent: text });
  place.append(element);
  while (place.children.length > MOST) place.firstChild.remove();
  setTimeout(() => element.remove(), SHOWN);
}

/**
 * Shows a note in `place` until it is called with null.
 * @param {HTMLElement} place
 * @param {{title: string, text: string, button?: string, act?: () => void}|null} content
 */
export function showNote(place, content) {
  place.hidden = content === null;
  if (content === null) return;
  const { title, text, button, act } = content;
  const words = make("p", {}, make("b", { textContent: title }), text);
  place.replaceChildren(words, ...(button ? [make("button", { type: "button", className: "button", textContent: button, onclick: act })] : []));
}
