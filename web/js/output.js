// Draws received frames on a canvas: the newest one, or a grid with the newest of each variation.

import { Emitter } from "./events.js";

const LARGEST_SIDE = 2048;  // Largest side of the canvas in pixels.

/** Events: "drawn" (the Answer that was drawn). */
export class Output extends Emitter {
  #canvas;
  #context;
  #stream = { width: 1, height: 1 };
  #cells = 1;
  #smooth = true;
  /** @type {(ImageBitmap|null)[]} newest frame of each cell */
  #images = [null];
  /** @type {number[]} number of each cell's newest frame */
  #newest = [0];

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    super();
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    new ResizeObserver(() => this.#resize()).observe(canvas.parentElement);
  }

  get canvas() {
    return this.#canvas;
  }

  get empty() {
    return this.#images.every((image) => image === null);
  }

  /** @param {{width: number, height: number}} stream */
  setStream(stream) {
    this.#stream = stream;
    this.#canvas.parentElement.style.setProperty("--aspect", String(stream.width / stream.height));
    this.#resize();
  }

  /** @param {number} cells 1, 4 or 9 */
  setCells(cells) {
    if (cells === this.#cells) return;
    this.#cells = cells;
    this.#images = Array.from({ length: cells }, (_, cell) => this.#images[cell] ?? null);
    this.#newest = new Array(cells).fill(0);
    this.#resize();
  }

  /** @param {boolean} smooth true: frames are upscaled smoothly; false: pixels stay visible squares */
  setSmooth(smooth) {
    this.#smooth = smooth;
    this.#drawAll();
  }

  /** Forgets frame numbers, which begin again in a new session. */
  newSession() {
    this.#newest.fill(0);
  }

  /**
   * Draws a frame unless a newer one is drawn already.
   * @param {import("./protocol.js").Answer} answer an answer with an image
   */
  async show(answer) {
    const { number, variation, image } = answer;
    if (variation >= this.#cells) return;
    const bitmap = await createImageBitmap(new Blob([image]));
    // A newer frame may have been decoded in the meantime.
    if (variation >= this.#cells || number < this.#newest[variation]) return;
    this.#newest[variation] = number;
    this.#images[variation]?.close();
    this.#images[variation] = bitmap;
    this.#draw(variation);
    this.emit("drawn", answer);
  }

  /** @returns {Promise<Blob>} the canvas as PNG */
  toPng() {
    return new Promise((resolve) => this.#canvas.toBlob(resolve, "image/png"));
  }

  get #columns() {
    return Math.sqrt(this.#cells);
  }

  /** Sets the canvas to an integer multiple of the frames' size, about as large as it is shown. */
  #resize() {
    const { width, height } = this.#stream;
    const wanted = this.#canvas.parentElement.clientWidth * devicePixelRatio;
    const across = width * this.#columns;
    const most = LARGEST_SIDE / (Math.max(width, height) * this.#columns);
    const scale = Math.max(1, Math.min(Math.round(wanted / across), Math.floor(most)));
    const size = [across * scale, height * this.#columns * scale];
    if (this.#canvas.width === size[0] && this.#canvas.height === size[1]) return;
    [this.#canvas.width, this.#canvas.height] = size;
    this.#drawAll();
  }

  #drawAll() {
    for (let cell = 0; cell < this.#cells; ++cell) this.#draw(cell);
  }

  #draw(cell) {
    const image = this.#images[cell];
    if (!image) return;
    const columns = this.#columns;
    const [width, height] = [this.#canvas.width / columns, this.#canvas.height / columns];
    this.#context.imageSmoothingEnabled = this.#smooth;
    this.#context.imageSmoothingQuality = "high";
    this.#context.drawImage(image, (cell % columns) * width, Math.floor(cell / columns) * height, width, height);
  }
}
