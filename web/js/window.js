// How many frames may be unanswered: enough that the server never waits, so few that none waits at the server.

const SMALLEST_LEAD = 1;
const LARGEST_LEAD = 3;

/** Measures by the answers whether frames waited at the server, and moves the lead by it. */
export class FrameWindow {
  #lead = 2;
  #stepMilliseconds = 0;
  #evidence = 0;

  /** @param {number} milliseconds the mean time of a step, as the server's statistics tell */
  stepTook(milliseconds) {
    this.#stepMilliseconds = milliseconds;
  }

  /**
   * @param {number} depth steps that a frame takes on its way through the batch
   * @param {number} serverMilliseconds that the server had the frame
   */
  answered(depth, serverMilliseconds) {
    if (this.#stepMilliseconds === 0) return;
    const waited = serverMilliseconds / this.#stepMilliseconds - depth;
    if (waited > 0.8) this.#weigh(-1);
    else if (waited < 0.15) this.#weigh(1);
    else this.#evidence = 0;
  }

  /** Only a run of answers that say the same counts. */
  #weigh(direction) {
    this.#evidence = Math.sign(this.#evidence) === direction ? this.#evidence + direction : direction;
    if (Math.abs(this.#evidence) < 8) return;
    this.#lead = Math.min(Math.max(this.#lead + direction, SMALLEST_LEAD), LARGEST_LEAD);
    this.#evidence = 0;
  }

  /** @param {number} depth @param {number} limit */
  size(depth, limit) {
    return Math.min(depth - 1 + this.#lead, limit);
  }
}

/**
 * Frames that are in the stream's batch at once.
 * @param {{steps: number, t_index_list: number[]}} settings
 * @param {{denoising_batch: boolean, frame_buffer: number}} stream
 */
export function pipelineDepth(settings, stream) {
  const steps = settings.t_index_list.length || settings.steps;
  return (stream.denoising_batch ? steps : 1) * stream.frame_buffer;
}
