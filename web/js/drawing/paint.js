// Paints marks, strokes and filled areas on a canvas.

/** @typedef {import("./sketches.js").Mark} Mark */

/**
 * Paints the first part of a mark.
 * @param {CanvasRenderingContext2D} context
 * @param {Mark} mark
 * @param {number} part fraction of the mark, 0 to 1
 */
export function paintMark(context, mark, part) {
  const { width, height } = context.canvas;
  const side = Math.min(width, height);
  const [left, top] = [(width - side) / 2, (height - side) / 2];
  context.save();
  context.fillStyle = context.strokeStyle = mark.color;
  if (mark.ellipse) {
    const [x, y, across, down, turn = 0] = mark.ellipse;
    context.beginPath();
    context.ellipse(left + x * side, top + y * side, across * side * part, down * side * part, turn, 0, 2 * Math.PI);
    context.fill();
  } else if (mark.shape) {
    paintShape(context, mark.shape.map(([x, y]) => [left + x * side, top + y * side]), part);
  } else if (mark.line) {
    const points = mark.line.map(([x, y]) => [left + x * side, top + y * side]);
    paintLine(context, partOf(points, part), mark.size * side);
  } else {
    context.fillRect(0, 0, width, height);
  }
  context.restore();
}

function paintShape(context, corners, part) {
  const middle = [0, 1].map((axis) => corners.reduce((sum, corner) => sum + corner[axis], 0) / corners.length);
  context.beginPath();
  for (const corner of corners) {
    context.lineTo(...corner.map((value, axis) => middle[axis] + (value - middle[axis]) * part));
  }
  context.closePath();
  context.fill();
}

function paintLine(context, points, size) {
  context.lineWidth = size;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  points.forEach(([x, y], index) => {
    if (index === 0) context.moveTo(x, y);
    else if (index === points.length - 1) context.lineTo(x, y);
    else context.quadraticCurveTo(x, y, (x + points[index + 1][0]) / 2, (y + points[index + 1][1]) / 2);
  });
  context.stroke();
}

/** The first part of a line; its end may lie between two points. */
function partOf(points, part) {
  const reached = part * (points.length - 1);
  const whole = Math.floor(reached);
  const rest = reached - whole;
  if (rest === 0) return points.slice(0, whole + 1);
  const [from, to] = [points[whole], points[whole + 1]];
  return [...points.slice(0, whole + 1), from.map((value, axis) => value + (to[axis] - value) * rest)];
}

/**
 * Paints a segment of a stroke, with the mean of the widths at its ends.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, size: number}} from
 * @param {{x: number, y: number, size: number}} to
 * @param {string} color
 */
export function paintStroke(context, from, to, color) {
  context.strokeStyle = color;
  context.lineCap = "round";
  context.lineWidth = (from.size + to.size) / 2;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  context.stroke();
}

/**
 * Fills the area around a point whose colours are similar to the point's.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number}} at
 * @param {string} color
 */
export function flood(context, at, color) {
  const { width, height } = context.canvas;
  const image = context.getImageData(0, 0, width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const start = Math.floor(at.y) * width + Math.floor(at.x);
  const old = pixels[start];
  const paint = packed(color);
  const done = new Uint8Array(pixels.length);
  const fits = (index) => !done[index] && alike(pixels[index], old);
  const lines = [start];
  while (lines.length) {
    let index = lines.pop();
    if (!fits(index)) continue;
    const left = index - (index % width);
    while (index > left && fits(index - 1)) --index;
    let [above, below] = [false, false];
    for (; index < left + width && fits(index); ++index) {
      pixels[index] = paint;
      done[index] = 1;
      const up = index >= width && fits(index - width);
      const down = index + width < pixels.length && fits(index + width);
      if (up && !above) lines.push(index - width);
      if (down && !below) lines.push(index + width);
      [above, below] = [up, down];
    }
  }
  context.putImageData(image, 0, 0);
}

const TOLERANCE = 28;  // Difference of colour values that is still filled, because strokes have soft edges.

function alike(a, b) {
  return [0, 8, 16].every((shift) => Math.abs(((a >> shift) & 255) - ((b >> shift) & 255)) <= TOLERANCE);
}

/** Converts #rrggbb to a pixel of little-endian RGBA. */
function packed(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** @param {CanvasRenderingContext2D} context @param {{x: number, y: number}} at @returns {string} #rrggbb */
export function colorAt(context, at) {
  const [red, green, blue] = context.getImageData(Math.floor(at.x), Math.floor(at.y), 1, 1).data;
  return `#${[red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
