// The light that the picture throws on the page: its colours, a few pixels of them, drawn large and soft.

const SIDE = 6;
const PART = 0.12;  // of the new picture in each mix, so that the light follows slowly

/**
 * @param {HTMLCanvasElement} light
 * @param {import("./output.js").Output} output
 */
export function followPicture(light, output) {
  light.width = light.height = SIDE;
  const context = light.getContext("2d");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let lit = false;
  output.on("drawn", () => {
    if (calm.matches && lit) return;
    context.globalAlpha = lit ? PART : 1;
    context.drawImage(output.canvas, 0, 0, SIDE, SIDE);
    lit = true;
  });
}
