import { encode } from "./encode.js";

/**
 * A frame for the sender: the image file to transform, or null for text to image.
 * @typedef {{image: ArrayBuffer|null, variation: number, time: number}} Captured
 */

/** Base class of image-to-image sources. Only the newest frame is sent; older ones that were not sent are dropped. */
export class ImageSource {
  /** Called when there is a frame to send. @type {() => void} */
  onpending = () => {};
  /** Called with "dropped" or "reused" for the statistics. @type {(kind: string) => void} */
  oncount = () => {};
  mirrored = false;
  /** True if frames must keep coming for a transition to a new prompt to be seen. */
  showsTransitions = true;

  #freshSince = 0;
  #again = false;

  /** The element that shows the source, for the page. @returns {HTMLElement} */
  get element() {
    throw new Error("a source needs an element");
  }

  /** The current image. @returns {CanvasImageSource|null} null while there is none yet */
  get image() {
    return this.element;
  }

  /** @returns {{width: number, height: number}} size of the image in pixels */
  get size() {
    throw new Error("a source needs a size");
  }

  get pending() {
    return (this.#freshSince > 0 || this.#again) && this.image !== null;
  }

  /** Notes a new frame. @param {number} [time] when it was captured */
  fresh(time = performance.now()) {
    if (this.#freshSince > 0 && this.isLive) this.oncount("dropped");
    this.#freshSince = time;
    this.onpending();
  }

  /** True if frames come by themselves, as from a camera. */
  get isLive() {
    return false;
  }

  /** Requests the last frame again, because settings changed or answers were lost. */
  refresh() {
    this.#again = true;
    this.onpending();
  }

  /**
   * Encodes the current image for a stream.
   * @param {{width: number, height: number, fit: string}} stream
   * @returns {Promise<Captured>}
   */
  async capture(stream) {
    if (this.#freshSince === 0) this.oncount("reused");
    const time = this.#freshSince || performance.now();
    this.#freshSince = 0;
    this.#again = false;
    return { image: await encode(this.image, this.size, stream, this.mirrored), variation: 0, time };
  }

  /** @returns {boolean} true if the answer to a variation is still wanted */
  wants() {
    return true;
  }

  stop() {}
}
