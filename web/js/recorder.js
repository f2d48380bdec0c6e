// Saves images and videos of the output as files.

const TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/mp4"];
const BITS_PER_SECOND = 12_000_000;

/** Downloads `blob` as a file named after the current time. @param {Blob} blob @param {string} extension */
export function save(blob, extension) {
  const link = document.createElement("a");
  const url = URL.createObjectURL(blob);
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  link.href = url;
  link.download = `streamdiffusion-${time}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export class Recorder {
  #canvas;
  /** @type {MediaRecorder|null} */
  #recorder = null;
  #started = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
  }

  get recording() {
    return this.#recorder !== null;
  }

  get seconds() {
    return this.recording ? Math.floor((performance.now() - this.#started) / 1000) : 0;
  }

  /** Starts recording the canvas. Throws Error if the browser cannot record. */
  start() {
    const mimeType = globalThis.MediaRecorder && TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    if (!mimeType) throw new Error("This browser cannot record a canvas.");
    const recorder = new MediaRecorder(this.#canvas.captureStream(), { mimeType, videoBitsPerSecond: BITS_PER_SECOND });
    /** @type {Blob[]} */
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = () => save(new Blob(parts, { type: mimeType }), mimeType.includes("webm") ? "webm" : "mp4");
    recorder.start(1000);
    this.#recorder = recorder;
    this.#started = performance.now();
  }

  /** Stops recording and saves the video. */
  stop() {
    const recorder = this.#recorder;
    this.#recorder = null;
    recorder?.stop();
    for (const track of recorder?.stream.getTracks() ?? []) track.stop();
  }
}
