// Chooses how many frames may be unanswered: enough that the server never waits, few enough that no frame waits there.

const SMALLEST_LEAD = 1;
const LARGEST_LEAD = 3;

/** Adjusts the lead, the frames sent beyond those in the batch, by how long frames waited at the server. */
export class FrameWindow {
  #lead = 2;
  #stepMilliseconds = 0;
  #evidence = 0;

  /** @param {number} milliseconds mean time of a step in the server's statistics */
  stepTook(milliseconds) {
    this.#stepMilliseconds = milliseconds;
  }

  /**
   * Notes an answer.
   * @param {number} depth number of steps that a frame spends in the batch
   * @param {number} serverMilliseconds time that the frame spent at the server
   */
  answered(depth, serverMilliseconds) {
    if (this.#stepMilliseconds === 0) return;
    const waited = serverMilliseconds / this.#stepMilliseconds - depth;
    if (waited > 0.8) this.#weigh(-1);
    else if (waited < 0.15) this.#weigh(1);
    else this.#evidence = 0;
  }

  /** Moves the lead after 8 answers in a row in the same direction. */
  #weigh(direction) {
    this.#evidence = Math.sign(this.#evidence) === direction ? this.#evidence + direction : direction;
    if (Math.abs(this.#evidence) < 8) return;
    this.#lead = Math.min(Math.max(this.#lead + direction, SMALLEST_LEAD), LARGEST_LEAD);
    this.#evidence = 0;
  }

  /** The number of frames that may be unanswered. @param {number} depth @param {number} limit */
  size(depth, limit) {
    return Math.min(depth - 1 + this.#lead, limit);
  }
}

/**
 * The number of frames in the stream's batch at a time.
 * @param {{steps: number, t_index_list: number[]}} settings
 * @param {{denoising_batch: boolean, frame_buffer: number}} stream
 */
export function pipelineDepth(settings, stream) {
  const steps = settings.t_index_list.length || settings.steps;
  return (stream.denoising_batch ? steps : 1) * stream.frame_buffer;
}
