// Counts what happened to the frames of the last minute.

const KEPT = 60000;
const WINDOW = 5000;

/** @typedef {{time: number, kind: "shown"|"dropped"|"skipped"|"reused", latency: number}} FrameEvent */

export class Statistics {
  /** @type {FrameEvent[]} */
  #events = [];
  #serverDropped = 0;

  /** @param {number} latency milliseconds from capture to display */
  shown(latency) {
    this.#add("shown", latency);
  }

  /** @param {"dropped"|"skipped"|"reused"} kind */
  count(kind) {
    this.#add(kind, 0);
  }

  /** @param {number} total number of frames that the server has dropped since the session began */
  serverDropped(total) {
    for (let i = this.#serverDropped; i < total; ++i) this.count("dropped");
    this.#serverDropped = total;
  }

  /** Resets the server's count, which begins at 0 in a new session. */
  newSession() {
    this.#serverDropped = 0;
  }

  /** @returns {FrameEvent[]} the events of the last minute */
  get events() {
    return this.#events;
  }

  /**
   * Returns the frame rate of the last second, the median and the 99th percentile of latency in the last 5 seconds, and
   * the counts of the last minute. Latencies are in milliseconds, or NaN if no frame was shown.
   * @returns {{fps: number, median: number, worst: number, dropped: number, skipped: number, reused: number}}
   */
  summary() {
    this.#forgetOld();
    const now = performance.now();
    const recent = this.#events.filter(({ time }) => now - time < WINDOW);
    const shown = recent.filter(({ kind }) => kind === "shown");
    const latencies = shown.map(({ latency }) => latency).sort((a, b) => a - b);
    const counted = (kind) => this.#events.filter((event) => event.kind === kind).length;
    return {
      fps: shown.filter(({ time }) => now - time < 1000).length,
      median: percentile(latencies, 0.5),
      worst: percentile(latencies, 0.99),
      dropped: counted("dropped"),
      skipped: counted("skipped"),
      reused: counted("reused"),
    };
  }

  #add(kind, latency) {
    this.#events.push({ time: performance.now(), kind, latency });
  }

  #forgetOld() {
    const oldest = performance.now() - KEPT;
    const first = this.#events.findIndex(({ time }) => time > oldest);
    this.#events.splice(0, first < 0 ? this.#events.length : first);
  }
}

function percentile(sorted, fraction) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] : NaN;
}
