// The canvas that the user draws on with pen, finger, mouse or keys. It is also the source of the frames sent.

import { ImageSource } from "../sources/source.js";
import { History } from "./history.js";
import { colorAt, flood, paintMark, paintStroke } from "./paint.js";

const LONGER_SIDE = 640;
const PAPER = "#ffffff";
const MARK_MILLISECONDS = 260;
const KEY_STEP = 0.02;  // Step of the arrow keys as a fraction of the board.

/** @typedef {"brush"|"eraser"|"fill"|"pick"} Tool */

export class Board extends ImageSource {
  tool = /** @type {Tool} */ ("brush");
  color = "#d8342c";
  /** Width of the brush as a fraction of the board's longer side. */
  brush = 0.05;
  /** True if the user has drawn anything on the board. */
  touched = false;
  /** Called when the drawing changed, so undo and redo may have become possible, and when a colour was picked. */
  onchange = () => {};

  #canvas;
  #context;
  #history;
  #paper = PAPER;
  /** @type {{x: number, y: number, size: number}|null} position of the pen in pixels while it is down */
  #pen = null;
  #cursor = { x: 0.5, y: 0.5, down: false };
  #animation = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    super();
    this.#canvas = canvas;
    [canvas.width, canvas.height] = [LONGER_SIDE, LONGER_SIDE];
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
    this.#history = new History(this.#context);
    this.#cover(PAPER);
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.#up());
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  get element() {
    return this.#canvas;
  }

  get size() {
    return this.#canvas;
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  /** Stretches the drawing to an aspect ratio. @param {number} aspect width / height */
  setAspect(aspect) {
    const [width, height] = [Math.min(1, aspect), Math.min(1, 1 / aspect)].map((part) => Math.round(part * LONGER_SIDE));
    if (width === this.#canvas.width && height === this.#canvas.height) return;
    const old = document.createElement("canvas");
    [old.width, old.height] = [this.#canvas.width, this.#canvas.height];
    old.getContext("2d").drawImage(this.#canvas, 0, 0);
    [this.#canvas.width, this.#canvas.height] = [width, height];
    this.#context.drawImage(old, 0, 0, width, height);
    this.#history.clear();
    this.#changed();
  }

  undo() {
    this.#finishSketch();
    this.#history.undo();
    this.#changed();
  }

  redo() {
    this.#history.redo();
    this.#changed();
  }

  clear() {
    this.#finishSketch();
    this.#history.remember();
    this.#paper = PAPER;
    this.#cover(PAPER);
    this.touched = true;
    this.#changed();
  }

  /**
   * Draws a sketch mark by mark, or at once if the user prefers reduced motion.
   * @param {import("./sketches.js").Mark[]} marks
   */
  play(marks) {
    this.#finishSketch();
    this.#history.remember();
    this.touched = false;
    this.#paper = marks[0].color;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      for (const mark of marks) paintMark(this.#context, mark, 1);
      this.#changed();
      return;
    }
    this.#animate(marks);
  }

  #animate(marks) {
    const started = performance.now();
    let done = 0;
    const base = () => this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height);
    let before = base();
    const draw = (elapsed) => {
      const reached = Math.min(elapsed / MARK_MILLISECONDS, marks.length);
      this.#context.putImageData(before, 0, 0);
      for (; done < Math.floor(reached); ++done) {
        paintMark(this.#context, marks[done], 1);
        before = base();
      }
      if (done < marks.length) paintMark(this.#context, marks[done], easeOut(reached - done));
      this.#changed();
    };
    const step = () => {
      draw(performance.now() - started);
      this.#animation = done < marks.length ? requestAnimationFrame(step) : 0;
    };
    this.#finish = () => draw(Infinity);
    step();
  }

  #finish = () => {};

  /** Completes a sketch that is being drawn. */
  #finishSketch() {
    if (this.#animation === 0) return;
    cancelAnimationFrame(this.#animation);
    this.#animation = 0;
    this.#finish();
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    this.#canvas.setPointerCapture(event.pointerId);
    this.#penDown(this.#point(event), event.altKey ? "pick" : this.tool);
  }

  #penDown(point, tool) {
    this.#finishSketch();
    if (tool === "pick") {
      this.color = colorAt(this.#context, point);
      this.onchange();
      return;
    }
    this.#history.remember();
    this.touched = true;
    if (tool === "fill") flood(this.#context, point, this.color);
    else this.#penTo(point);
    this.#changed();
  }

  #move(event) {
    if (!this.#pen) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#penTo(this.#point(each));
    this.#changed();
  }

  #up() {
    this.#pen = null;
  }

  #penTo(point) {
    paintStroke(this.#context, this.#pen ?? point, point, this.tool === "eraser" ? this.#paper : this.color);
    this.#pen = point;
  }

  /** The position of a pointer event in the board's pixels, and the stroke's width by the pen's pressure. */
  #point({ clientX, clientY, pressure, pointerType }) {
    const box = this.#canvas.getBoundingClientRect();
    const part = pointerType === "pen" ? 0.25 + 1.25 * pressure : 1;
    return this.#at((clientX - box.left) / box.width, (clientY - box.top) / box.height, part);
  }

  #at(x, y, part = 1) {
    const { width, height } = this.#canvas;
    const inside = (value, size) => Math.min(Math.max(value * size, 0), size - 1);
    return { x: inside(x, width), y: inside(y, height), size: this.brush * part * LONGER_SIDE };
  }

  /** Draws by keys: arrows move a cursor, the space bar puts the pen down and lifts it. */
  #key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const cursor = this.#cursor;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      cursor.down = !cursor.down && this.tool !== "fill" && this.tool !== "pick";
      if (cursor.down || this.tool === "fill" || this.tool === "pick") this.#penDown(this.#at(cursor.x, cursor.y), this.tool);
      if (!cursor.down) this.#up();
    } else if (event.key in arrows) {
      const step = KEY_STEP * (event.shiftKey ? 4 : 1);
      const [x, y] = arrows[event.key];
      cursor.x = Math.min(Math.max(cursor.x + x * step, 0), 1);
      cursor.y = Math.min(Math.max(cursor.y + y * step, 0), 1);
      if (cursor.down) {
        this.#penTo(this.#at(cursor.x, cursor.y));
        this.#changed();
      }
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.#showCursor();
  }

  #showCursor() {
    const style = this.#canvas.parentElement.style;
    style.setProperty("--cursor-x", `${this.#cursor.x * 100}%`);
    style.setProperty("--cursor-y", `${this.#cursor.y * 100}%`);
    this.#canvas.parentElement.dataset.cursor = this.#cursor.down ? "down" : "up";
  }

  #cover(color) {
    this.#context.fillStyle = color;
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  #changed() {
    this.fresh();
    this.onchange();
  }

  /** Stops sending. The drawing stays until the board is chosen again. */
  stop() {
    this.#finishSketch();
    this.onpending = () => {};
  }
}

const easeOut = (part) => 1 - (1 - part) ** 3;
