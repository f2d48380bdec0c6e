import { find, make } from "./dom.js";

/**
 * A button over each picture of the grid: its variation of the seed becomes the only picture.
 * @param {number} count
 * @param {(cell: number) => void} goOnWith
 */
export function showCells(count, goOnWith) {
  const place = find("#cells");
  place.hidden = count === 1;
  if (place.children.length === count) return;
  place.style.setProperty("--columns", String(Math.sqrt(count)));
  place.replaceChildren(...Array.from({ length: count }, (_, cell) => button(cell, goOnWith)));
}

function button(cell, goOnWith) {
  const label = `Go on with picture ${cell + 1}`;
  return make("button", { type: "button", className: "cell", title: label, "aria-label": label, onclick: () => goOnWith(cell) });
}
