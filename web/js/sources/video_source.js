import { ImageSource } from "./source.js";

const HIDDEN_INTERVAL = 33;  // Milliseconds between frames while the page is hidden and the browser reports none.

/** Source of anything that a <video> plays: a camera, a screen or a file. */
export class VideoSource extends ImageSource {
  #video = document.createElement("video");
  #timer = 0;
  #stopped = false;
  #url = "";

  constructor() {
    super();
    Object.assign(this.#video, { muted: true, playsInline: true, autoplay: true });
  }

  get element() {
    return this.#video;
  }

  get image() {
    return this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? this.#video : null;
  }

  get size() {
    return { width: this.#video.videoWidth, height: this.#video.videoHeight };
  }

  get isLive() {
    return true;
  }

  /** @param {MediaStream} stream */
  playStream(stream) {
    this.#video.srcObject = stream;
    return this.#play();
  }

  /** @param {Blob} file */
  playFile(file) {
    this.#url = URL.createObjectURL(file);
    this.#video.src = this.#url;
    Object.assign(this.#video, { loop: true, controls: true });
    return this.#play();
  }

  async #play() {
    await this.#video.play();
    if (this.#stopped) return;
    this.#watch();
    this.#timer = setInterval(() => {
      if (document.hidden && !this.#video.paused) this.fresh();
    }, HIDDEN_INTERVAL);
  }

  #watch() {
    this.#video.requestVideoFrameCallback((now, { captureTime }) => {
      if (this.#stopped) return;
      this.fresh(captureTime > 0 && captureTime <= now ? captureTime : now);
      this.#watch();
    });
  }

  stop() {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#video.pause();
    for (const track of this.#video.srcObject?.getTracks() ?? []) track.stop();
    this.#video.srcObject = null;
    this.#video.removeAttribute("src");
    if (this.#url) URL.revokeObjectURL(this.#url);
  }
}
