import { encode } from "./encode.js";

/**
 * What a source gives to the sender: the picture to draw anew, or null for text to image.
 * @typedef {{picture: ArrayBuffer|null, variation: number, time: number}} Captured
 */

/** A source of pictures that are drawn anew. The newest picture counts; one that nobody had time for is passed over. */
export class PictureSource {
  /** Called when there is something to send. @type {() => void} */
  onpending = () => {};
  /** Called with "dropped" or "reused". @type {(kind: string) => void} */
  oncount = () => {};
  mirrored = false;
  /** Whether a transition to a new prompt shows as long as pictures are sent. */
  showsTransitions = true;

  #freshSince = 0;
  #again = false;

  /** The element that shows the source, for the page. @returns {HTMLElement} */
  get element() {
    throw new Error("a source needs an element");
  }

  /** What to draw from. @returns {CanvasImageSource|null} null while there is nothing yet */
  get image() {
    return this.element;
  }

  /** @returns {{width: number, height: number}} of the image */
  get size() {
    throw new Error("a source needs a size");
  }

  get pending() {
    return (this.#freshSince > 0 || this.#again) && this.image !== null;
  }

  /** @param {number} [time] when the picture came about */
  fresh(time = performance.now()) {
    if (this.#freshSince > 0 && this.isLive) this.oncount("dropped");
    this.#freshSince = time;
    this.onpending();
  }

  /** Whether pictures come by themselves. */
  get isLive() {
    return false;
  }

  /** Settings changed or answers were lost: the last picture is wanted once more. */
  refresh() {
    this.#again = true;
    this.onpending();
  }

  /**
   * @param {{width: number, height: number, fit: string}} stream
   * @returns {Promise<Captured>}
   */
  async capture(stream) {
    if (this.#freshSince === 0) this.oncount("reused");
    const time = this.#freshSince || performance.now();
    this.#freshSince = 0;
    this.#again = false;
    return { picture: await encode(this.image, this.size, stream, this.mirrored), variation: 0, time };
  }

  /** @returns {boolean} whether the answer to this variation is still wanted */
  wants() {
    return true;
  }

  stop() {}
}
