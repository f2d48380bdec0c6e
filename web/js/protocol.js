// Packs and unpacks the binary messages of docs/server.md: a little-endian header, then an image file or nothing.

/** The fates of a frame at the server. */
export const FrameState = Object.freeze({ image: 0, skipped: 1, dropped: 2, unreadable: 3 });

const VERSION = 1;
const REQUEST_HEADER = 16;
const ANSWER_HEADER = 24;

/**
 * @param {{number: number, time: number, variation: number, image: ArrayBuffer|null}} frame
 * @returns {ArrayBuffer}
 */
export function packFrame({ number, time, variation, image }) {
  const bytes = new Uint8Array(REQUEST_HEADER + (image?.byteLength ?? 0));
  const header = new DataView(bytes.buffer);
  header.setUint8(0, VERSION);
  header.setUint16(2, variation, true);
  header.setUint32(4, number, true);
  header.setFloat64(8, time, true);
  if (image) bytes.set(new Uint8Array(image), REQUEST_HEADER);
  return bytes.buffer;
}

/**
 * @typedef {object} Answer
 * @property {number} state one of FrameState
 * @property {number} variation
 * @property {number} number
 * @property {number} time time that the frame was sent with
 * @property {number} serverMilliseconds time from arrival at the server to this answer
 * @property {number} dropped number of frames that the server has dropped in this session
 * @property {Uint8Array} image image file, or empty
 */

/**
 * @param {ArrayBuffer} buffer
 * @returns {Answer}
 */
export function unpackFrame(buffer) {
  if (buffer.byteLength < ANSWER_HEADER) throw new RangeError("a frame shorter than its header");
  const header = new DataView(buffer);
  return {
    state: header.getUint8(1),
    variation: header.getUint16(2, true),
    number: header.getUint32(4, true),
    time: header.getFloat64(8, true),
    serverMilliseconds: header.getUint32(16, true) / 1000,
    dropped: header.getUint32(20, true),
    image: new Uint8Array(buffer, ANSWER_HEADER),
  };
}
