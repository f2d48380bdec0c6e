/**
 * Text to image: no picture goes in. A grid of pictures, each with a variation of the seed's noise; when the settings
 * change all are drawn anew, one after the other, those that are oldest first.
 */
export class TextSource {
  onpending = () => {};
  oncount = () => {};
  showsTransitions = false;

  #wanted = 1;
  /** The change that each cell was last sent for. */
  #sentFor;

  /** @param {number} cells */
  constructor(cells) {
    this.#sentFor = new Array(cells).fill(0);
  }

  get isLive() {
    return false;
  }

  get pending() {
    return this.#sentFor.some((change) => change < this.#wanted);
  }

  refresh() {
    this.#wanted += 1;
    this.onpending();
  }

  /** @returns {Promise<import("./source.js").Captured>} */
  async capture() {
    const variation = this.#sentFor.indexOf(Math.min(...this.#sentFor));
    this.#sentFor[variation] = this.#wanted;
    return { picture: null, variation, time: performance.now() };
  }

  /** @param {number} variation */
  wants(variation) {
    return variation < this.#sentFor.length;
  }

  stop() {}
}
