// The light behind the page: the output shrunk to a few pixels and smoothly upscaled.

const SIDE = 6;
const SMOOTHED = 64;
const PART = 0.12;  // Weight of a new frame in the running mix, low so that the light follows slowly.

/**
 * Draws the output's colours to `light` after each frame, or only once if the user prefers reduced motion.
 * @param {HTMLCanvasElement} light
 * @param {import("./output.js").Output} output
 */
export function followImage(light, output) {
  light.width = light.height = SMOOTHED;
  const colors = document.createElement("canvas");
  colors.width = colors.height = SIDE;
  const [context, soft] = [colors, light].map((canvas) => canvas.getContext("2d"));
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let lit = false;
  output.on("drawn", () => {
    if (calm.matches && lit) return;
    context.globalAlpha = lit ? PART : 1;
    context.drawImage(output.canvas, 0, 0, SIDE, SIDE);
    soft.imageSmoothingQuality = "high";
    soft.drawImage(colors, 0, 0, SMOOTHED, SMOOTHED);
    lit = true;
  });
}
