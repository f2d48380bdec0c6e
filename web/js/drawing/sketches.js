// Drawings to begin with, in the unit square. They are drawn stroke by stroke while the model already answers.

/**
 * @typedef {object} Mark one of: the whole ground, an ellipse, a closed shape, a line
 * @property {string} color
 * @property {[number, number, number, number, number?]} [ellipse] centre, radii, rotation in radians
 * @property {[number, number][]} [shape]
 * @property {[number, number][]} [line]
 * @property {number} [size] of the line
 */

/** @type {Record<string, Mark[]>} */
export const sketches = {
  apple: [
    { color: "#fdf3d8" },
    { color: "#d8342c", ellipse: [0.37, 0.57, 0.23, 0.28, 0.12] },
    { color: "#e0392f", ellipse: [0.61, 0.57, 0.24, 0.28, -0.12] },
    { color: "#6b3e1f", line: [[0.49, 0.36], [0.5, 0.27], [0.54, 0.18]], size: 0.035 },
    { color: "#5aa845", ellipse: [0.64, 0.21, 0.12, 0.055, -0.5] },
    { color: "#f58a76", line: [[0.26, 0.52], [0.29, 0.43], [0.36, 0.38]], size: 0.05 },
  ],
  penguin: [
    { color: "#8ecbf2" },
    { color: "#2b2f3a", ellipse: [0.5, 0.56, 0.25, 0.36] },
    { color: "#f6f4ee", ellipse: [0.52, 0.63, 0.16, 0.25] },
    { color: "#f6f4ee", ellipse: [0.46, 0.33, 0.07, 0.07] },
    { color: "#f6f4ee", ellipse: [0.6, 0.33, 0.07, 0.07] },
    { color: "#1d1d22", ellipse: [0.47, 0.33, 0.025, 0.03] },
    { color: "#1d1d22", ellipse: [0.59, 0.33, 0.025, 0.03] },
    { color: "#f4a62a", shape: [[0.47, 0.39], [0.59, 0.39], [0.53, 0.47]] },
    { color: "#f4a62a", ellipse: [0.42, 0.92, 0.09, 0.035] },
    { color: "#f4a62a", ellipse: [0.6, 0.92, 0.09, 0.035] },
  ],
  sailboat: [
    { color: "#f6c945" },
    { color: "#6b4a2c", line: [[0.5, 0.12], [0.5, 0.74]], size: 0.03 },
    { color: "#d43d35", shape: [[0.47, 0.14], [0.47, 0.66], [0.16, 0.66]] },
    { color: "#ee6a4f", shape: [[0.54, 0.22], [0.54, 0.66], [0.82, 0.66]] },
    { color: "#8b5a34", shape: [[0.12, 0.72], [0.88, 0.72], [0.76, 0.87], [0.24, 0.87]] },
  ],
  tulip: [
    { color: "#fdf6ea" },
    { color: "#4f9a3d", line: [[0.5, 0.55], [0.51, 0.75], [0.49, 0.94]], size: 0.05 },
    { color: "#5fae4a", ellipse: [0.37, 0.76, 0.06, 0.19, -0.6] },
    { color: "#5fae4a", ellipse: [0.63, 0.76, 0.06, 0.19, 0.6] },
    { color: "#e86aa6", ellipse: [0.5, 0.38, 0.17, 0.22] },
    { color: "#f48abb", ellipse: [0.41, 0.36, 0.09, 0.22, -0.2] },
    { color: "#f48abb", ellipse: [0.59, 0.36, 0.09, 0.22, 0.2] },
  ],
  octopus: [
    { color: "#f8d24a" },
    { color: "#e2574c", ellipse: [0.5, 0.38, 0.25, 0.25] },
    { color: "#e2574c", line: [[0.35, 0.52], [0.27, 0.66], [0.14, 0.7]], size: 0.1 },
    { color: "#e2574c", line: [[0.42, 0.56], [0.37, 0.74], [0.28, 0.86]], size: 0.1 },
    { color: "#e2574c", line: [[0.57, 0.56], [0.63, 0.74], [0.72, 0.86]], size: 0.1 },
    { color: "#e2574c", line: [[0.65, 0.52], [0.74, 0.66], [0.86, 0.7]], size: 0.1 },
    { color: "#fdf6ea", ellipse: [0.42, 0.38, 0.06, 0.07] },
    { color: "#fdf6ea", ellipse: [0.58, 0.38, 0.06, 0.07] },
    { color: "#26222c", ellipse: [0.43, 0.39, 0.028, 0.035] },
    { color: "#26222c", ellipse: [0.59, 0.39, 0.028, 0.035] },
  ],
  panda: [
    { color: "#f29fb9" },
    { color: "#26262b", ellipse: [0.25, 0.26, 0.13, 0.13] },
    { color: "#26262b", ellipse: [0.75, 0.26, 0.13, 0.13] },
    { color: "#f7f5f0", ellipse: [0.5, 0.53, 0.36, 0.33] },
    { color: "#26262b", ellipse: [0.35, 0.5, 0.09, 0.11, 0.5] },
    { color: "#26262b", ellipse: [0.65, 0.5, 0.09, 0.11, -0.5] },
    { color: "#f7f5f0", ellipse: [0.36, 0.49, 0.028, 0.03] },
    { color: "#f7f5f0", ellipse: [0.64, 0.49, 0.028, 0.03] },
    { color: "#26262b", ellipse: [0.5, 0.65, 0.06, 0.04] },
    { color: "#26262b", line: [[0.42, 0.73], [0.5, 0.77], [0.58, 0.73]], size: 0.025 },
  ],
  rocket: [
    { color: "#fdf6ea" },
    { color: "#f2a23a", shape: [[0.2, 0.62], [0.36, 0.78], [0.12, 0.88]] },
    { color: "#d43d35", shape: [[0.42, 0.4], [0.22, 0.46], [0.3, 0.62]] },
    { color: "#d43d35", shape: [[0.6, 0.58], [0.54, 0.78], [0.38, 0.7]] },
    { color: "#8fa3b3", ellipse: [0.52, 0.46, 0.16, 0.34, 0.785] },
    { color: "#d43d35", shape: [[0.88, 0.12], [0.65, 0.18], [0.81, 0.34]] },
    { color: "#5f94c9", ellipse: [0.58, 0.41, 0.08, 0.08] },
  ],
};
