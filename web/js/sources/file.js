// Opens an image or video file that the user chose, dropped or pasted.

import { SourceError } from "./devices.js";
import { ImageSource } from "./source.js";
import { VideoSource } from "./video_source.js";

class StillSource extends ImageSource {
  #canvas = document.createElement("canvas");

  /** @param {ImageBitmap} image */
  constructor(image) {
    super();
    this.#canvas.width = image.width;
    this.#canvas.height = image.height;
    this.#canvas.getContext("2d").drawImage(image, 0, 0);
    image.close();
    this.fresh();
  }

  get element() {
    return this.#canvas;
  }

  get size() {
    return this.#canvas;
  }
}

/**
 * @param {File|Blob} file
 * @returns {Promise<ImageSource>}
 */
export async function openFile(file) {
  const name = file.name ? `"${file.name}"` : "What was pasted";
  if (file.type.startsWith("video/")) {
    const source = new VideoSource();
    try {
      await source.playFile(file);
    } catch {
      throw new SourceError(`${name} is a video that this browser cannot play. MP4 (H.264) and WebM usually can be.`);
    }
    return source;
  }
  try {
    return new StillSource(await createImageBitmap(file));
  } catch {
    throw new SourceError(`${name} is no image or video that this browser can read.`);
  }
}

/** @param {DataTransfer|null} data @returns {File|null} the first image or video file */
export function mediaFile(data) {
  return [...(data?.files ?? [])].find(({ type }) => /^(image|video)\//.test(type)) ?? null;
}
