// Converts between a stream's width and height and what the user chooses: the longer side and a shape.

const SIDES = [64, 128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 2048];

/** @param {{width: number, height: number}} stream */
export const sideOf = ({ width, height }) => Math.max(width, height);

/** @param {{width: number, height: number}} stream @returns {string} the nearest of the shapes offered */
export function shapeOf({ width, height }, shapes) {
  const difference = (shape) => Math.abs(Math.log((width / height) / ratio(shape)));
  return shapes.reduce((best, shape) => (difference(shape) < difference(best) ? shape : best));
}

/**
 * @param {number} side the longer side in pixels
 * @param {string} shape such as "16:9"
 * @param {number} multiple the number of which width and height must be multiples
 */
export function sizeFor(side, shape, multiple) {
  const rounded = (length) => Math.max(multiple, Math.round(length / multiple) * multiple);
  const aspect = ratio(shape);
  return { width: rounded(side * Math.min(1, aspect)), height: rounded(side * Math.min(1, 1 / aspect)) };
}

/** @returns {[string, string][]} values and labels of the sides to choose from, including the current one */
export function sidesFor(current, { native_size, size_multiple }, largest) {
  const fitting = SIDES.filter((side) => side <= largest && side % size_multiple === 0);
  const all = [...new Set([...fitting, native_size, current])].sort((a, b) => a - b);
  return all.map((side) => [String(side), side === native_size ? `${side} · the model's own` : String(side)]);
}

function ratio(shape) {
  const [across, down] = shape.split(":").map(Number);
  return across / down;
}
