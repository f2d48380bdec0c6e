import { find, make } from "./dom.js";

/**
 * Shows a button over each cell of the grid; none for a single one.
 * @param {number} count
 * @param {(cell: number) => void} goOnWith called with the cell whose variation of the seed is to be the only one
 */
export function showCells(count, goOnWith) {
  const place = find("#cells");
  place.hidden = count === 1;
  if (place.children.length === count) return;
  place.style.setProperty("--columns", String(Math.sqrt(count)));
  place.replaceChildren(...Array.from({ length: count }, (_, cell) => button(cell, goOnWith)));
}

function button(cell, goOnWith) {
  const label = `Go on with image ${cell + 1}`;
  return make("button", { type: "button", className: "cell", title: label, "aria-label": label, onclick: () => goOnWith(cell) });
}
