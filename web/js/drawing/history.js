const MOST = 40;

/** The contents of a canvas before each change, for undo and redo. The last MOST changes can be undone. */
export class History {
  #context;
  /** @type {ImageData[]} */
  #before = [];
  /** @type {ImageData[]} */
  #after = [];

  /** @param {CanvasRenderingContext2D} context */
  constructor(context) {
    this.#context = context;
  }

  get canUndo() {
    return this.#before.length > 0;
  }

  get canRedo() {
    return this.#after.length > 0;
  }

  /** Stores the canvas. Call it before each change. */
  remember() {
    this.#before.push(this.#image());
    if (this.#before.length > MOST) this.#before.shift();
    this.#after = [];
  }

  undo() {
    this.#swap(this.#before, this.#after);
  }

  redo() {
    this.#swap(this.#after, this.#before);
  }

  /** Forgets everything. Call it when the size of the canvas changes. */
  clear() {
    this.#before = [];
    this.#after = [];
  }

  #swap(from, to) {
    if (from.length === 0) return;
    to.push(this.#image());
    this.#context.putImageData(from.pop(), 0, 0);
  }

  #image() {
    const { width, height } = this.#context.canvas;
    return this.#context.getImageData(0, 0, width, height);
  }
}
