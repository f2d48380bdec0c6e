// Sends frames of the source as fast as answers come. A few may be unanswered. Only the newest frame is sent.

import { FrameState, packFrame } from "./protocol.js";
import { FrameWindow, pipelineDepth } from "./window.js";

const LARGEST_BACKLOG = 1 << 20;
const AFTER_TRANSITION = 500;

export class Sender {
  #connection;
  #store;
  #statistics;
  #window = new FrameWindow();
  #source = null;
  #unanswered = 0;
  #number = 0;
  #sending = false;
  #paused = false;
  /** Time at which the current transition ends. Until then frames are sent even if the source stands still. */
  #movingUntil = 0;

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {import("./store.js").Store} store
   * @param {import("./statistics.js").Statistics} statistics
   */
  constructor(connection, store, statistics) {
    this.#connection = connection;
    this.#store = store;
    this.#statistics = statistics;
    connection.on("hello", () => {
      this.#unanswered = 0;
      this.#source?.refresh();
    });
    connection.on("frame", (answer) => this.#answered(answer));
    connection.on("settings", ({ settings }) => {
      const seconds = Math.max(settings.prompt_transition, settings.seed_transition);
      this.#movingUntil = seconds > 0 ? performance.now() + seconds * 1000 + AFTER_TRANSITION : 0;
      this.#source?.refresh();
    });
    connection.on("stream", () => this.#source?.refresh());
    connection.on("statistics", ({ step_ms }) => this.#window.stepTook(step_ms));
  }

  get source() {
    return this.#source;
  }

  /** @param {import("./sources/source.js").ImageSource|import("./sources/text_source.js").TextSource|null} source */
  setSource(source) {
    this.#source?.stop();
    this.#source = source;
    if (!source) return;
    source.onpending = () => this.#send();
    source.oncount = (kind) => this.#statistics.count(kind);
    source.refresh();
  }

  get paused() {
    return this.#paused;
  }

  set paused(value) {
    this.#paused = value;
    if (!value) this.#source?.refresh();
  }

  get #depth() {
    return pipelineDepth(this.#store.settings, this.#store.currentStream);
  }

  get #maySend() {
    return (
      !this.#paused && this.#connection.open && this.#source?.pending && this.#connection.backlog < LARGEST_BACKLOG &&
      this.#unanswered < this.#window.size(this.#depth, this.#store.limits.frames_under_way)
    );
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#maySend) {
        const source = this.#source;
        const captured = await source.capture(this.#store.currentStream);
        // The source may have changed or the connection been lost during the capture.
        if (source !== this.#source || !this.#connection.open) continue;
        this.#connection.sendFrame(packFrame({ number: ++this.#number, ...captured }));
        this.#unanswered += 1;
      }
    } finally {
      this.#sending = false;
    }
  }

  #answered({ state, serverMilliseconds, dropped }) {
    this.#unanswered = Math.max(this.#unanswered - 1, 0);
    this.#statistics.serverDropped(dropped);
    if (state === FrameState.skipped) this.#statistics.count("skipped");
    if (state === FrameState.image) this.#window.answered(this.#depth, serverMilliseconds);
    if (performance.now() < this.#movingUntil && this.#source?.showsTransitions) this.#source.refresh();
    this.#send();
  }
}
