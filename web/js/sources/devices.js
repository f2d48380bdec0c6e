// Opens cameras and screens, and explains why a browser refuses.

import { VideoSource } from "./video_source.js";

const CAMERA = "streamdiffusion.camera";

/** The error of a source that cannot be opened. The message is for the user. */
export class SourceError extends Error {}

const INSECURE =
  "Browsers give the camera and the screen only to secure pages. Open this page on the machine itself as " +
  "http://localhost, or start the server with --tls-self-signed (or --tls-cert and --tls-key) and open it as https://.";

const REASONS = {
  NotAllowedError: (what) =>
    `The browser was told not to give the ${what}. Allow it beside the address bar (or in the system's privacy settings), then try again.`,
  NotFoundError: (what) => `No ${what} was found. Plug one in, then try again.`,
  NotReadableError: (what) => `The ${what} is in use by another program, or switched off. Free it, then try again.`,
};

/** @returns {Promise<VideoSource>} */
export async function openCamera() {
  const deviceId = localStorage.getItem(CAMERA);
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, ...(deviceId && { deviceId: { ideal: deviceId } }) };
  return open("camera", (media) => media.getUserMedia({ video, audio: false }));
}

/** @returns {Promise<VideoSource>} */
export function openScreen() {
  return open("screen", (media) => {
    if (!media.getDisplayMedia) throw new SourceError("This browser cannot share its screen; a desktop browser can.");
    return media.getDisplayMedia({ video: { frameRate: 30 }, audio: false });
  });
}

/** @returns {Promise<{id: string, name: string}[]>} cameras; they have real names once the user has allowed one */
export async function cameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices
    .filter(({ kind }) => kind === "videoinput")
    .map(({ deviceId, label }, index) => ({ id: deviceId, name: label || `Camera ${index + 1}` }));
}

/** @param {string} id the camera that openCamera() uses from now on */
export const preferCamera = (id) => localStorage.setItem(CAMERA, id);

async function open(what, ask) {
  if (!globalThis.isSecureContext || !navigator.mediaDevices) throw new SourceError(INSECURE);
  let stream;
  try {
    stream = await ask(navigator.mediaDevices);
  } catch (error) {
    throw error instanceof SourceError ? error : new SourceError(REASONS[error.name]?.(what) ?? error.message);
  }
  const source = new VideoSource();
  source.tracks = stream.getVideoTracks();
  await source.playStream(stream);
  return source;
}
