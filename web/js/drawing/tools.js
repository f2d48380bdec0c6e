// The tools of the drawing canvas: brush, colours, size, undo and redo.

import { find, make } from "../dom.js";

const COLORS = ["#1d1d22", "#ffffff", "#9aa0a8", "#8b5a34", "#d8342c", "#f07f2e", "#f6c945", "#5aa845", "#1f7a5c",
  "#8ecbf2", "#2f62c9", "#7a4fc0", "#f29fb9"];
const NAMES = ["black", "white", "gray", "brown", "red", "orange", "yellow", "green", "dark green", "light blue", "blue",
  "purple", "pink"];

/** @param {import("./board.js").Board} board */
export function showTools(board) {
  const swatches = find("#swatches");
  const size = /** @type {HTMLInputElement} */ (find("#brush-size"));
  const own = make("input", { type: "color", "aria-label": "Another colour" });
  const tools = document.querySelectorAll("[data-tool]");

  const show = () => {
    for (const tool of tools) tool.setAttribute("aria-pressed", String(tool.dataset.tool === board.tool));
    for (const swatch of swatches.querySelectorAll("button")) {
      swatch.setAttribute("aria-pressed", String(swatch.dataset.color === board.color));
    }
    find('[data-action="undo"]').disabled = !board.canUndo;
    find('[data-action="redo"]').disabled = !board.canRedo;
    own.value = board.color;
    size.value = String(board.brush);
    size.style.setProperty("--part", String((board.brush - size.min) / (size.max - size.min)));
  };
  const color = (value) => {
    board.color = value;
    if (board.tool === "eraser" || board.tool === "pick") board.tool = "brush";
    show();
  };

  swatches.append(
    ...COLORS.map((value, index) => {
      const swatch = make("button", { type: "button", className: "swatch", title: NAMES[index], "aria-label": NAMES[index], onclick: () => color(value) });
      swatch.dataset.color = value;
      swatch.style.background = value;
      return swatch;
    }),
    make("label", { className: "swatch", title: "Another colour" }, own),
  );
  own.oninput = () => color(own.value);
  size.oninput = () => {
    board.brush = size.valueAsNumber;
    show();
  };
  for (const tool of tools) tool.onclick = () => chooseTool(board, tool.dataset.tool);
  board.onchange = show;
  show();
}

/** @param {import("./board.js").Board} board @param {import("./board.js").Tool} tool */
export function chooseTool(board, tool) {
  board.tool = tool;
  board.onchange();
}

/** @param {import("./board.js").Board} board @param {number} factor */
export function scaleBrush(board, factor) {
  board.brush = Math.min(Math.max(board.brush * factor, 0.008), 0.2);
  board.onchange();
}
