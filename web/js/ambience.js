// The light that the picture throws on the page: its colours, a few pixels of them, drawn large and soft.

const SIDE = 6;
const SMOOTHED = 64;
const PART = 0.12;  // of the new picture in each mix, so that the light follows slowly

/**
 * @param {HTMLCanvasElement} light
 * @param {import("./output.js").Output} output
 */
export function followPicture(light, output) {
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
