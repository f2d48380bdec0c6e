// Encodes a source's current image as a JPEG of the stream's size. Cropping, padding and stretching happen here, so
// that no more than the model needs goes over the network.

const QUALITY = 0.92;

/** @type {OffscreenCanvas|HTMLCanvasElement} */
let canvas;

/**
 * Computes where an image lies when it is fitted to a size with another aspect ratio.
 * @param {{width: number, height: number}} from
 * @param {{width: number, height: number}} to
 * @param {string} fit "crop", "pad" or "stretch"
 * @returns {[number, number, number, number]} x, y, width, height
 */
export function place(from, to, fit) {
  if (fit === "stretch") return [0, 0, to.width, to.height];
  const scales = [to.width / from.width, to.height / from.height];
  const scale = fit === "pad" ? Math.min(...scales) : Math.max(...scales);
  const [width, height] = [from.width * scale, from.height * scale];
  return [(to.width - width) / 2, (to.height - height) / 2, width, height];
}

/**
 * @param {CanvasImageSource} image
 * @param {{width: number, height: number}} size size of the image
 * @param {{width: number, height: number, fit: string}} stream
 * @param {boolean} mirrored
 * @returns {Promise<ArrayBuffer>}
 */
export async function encode(image, size, stream, mirrored) {
  const { width, height } = stream;
  canvas ??= globalThis.OffscreenCanvas ? new OffscreenCanvas(width, height) : document.createElement("canvas");
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  context.setTransform(mirrored ? -1 : 1, 0, 0, 1, mirrored ? width : 0, 0);
  context.drawImage(image, ...place(size, stream, stream.fit));
  context.setTransform(1, 0, 0, 1, 0, 0);
  return (await toJpeg(canvas)).arrayBuffer();
}

/** @returns {Promise<Blob>} */
function toJpeg(from) {
  if ("convertToBlob" in from) return from.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  return new Promise((resolve) => from.toBlob(resolve, "image/jpeg", QUALITY));
}
