/**
 * Source for text to image. It has a grid of cells, each with its own variation of the seed's noise. When the settings
 * change, all cells are requested again in turn, the oldest first.
 */
export class TextSource {
  onpending = () => {};
  oncount = () => {};
  showsTransitions = false;

  #wanted = 1;
  /** Number of the change for which each cell was last sent. */
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
    return { image: null, variation, time: performance.now() };
  }

  /** @param {number} variation */
  wants(variation) {
    return variation < this.#sentFor.length;
  }

  stop() {}
}
