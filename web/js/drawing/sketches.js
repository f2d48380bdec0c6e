// Initial drawings in the unit square. They are drawn mark by mark while frames are already sent.

/**
 * @typedef {object} Mark the whole background, an ellipse, a closed shape or a line
 * @property {string} color
 * @property {[number, number, number, number, number?]} [ellipse] centre, radii, rotation in radians
 * @property {[number, number][]} [shape]
 * @property {[number, number][]} [line]
 * @property {number} [size] width of the line
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
  tulip: [
    { color: "#fdf6ea" },
    { color: "#4f9a3d", line: [[0.5, 0.55], [0.51, 0.75], [0.49, 0.94]], size: 0.05 },
    { color: "#5fae4a", ellipse: [0.37, 0.76, 0.06, 0.19, -0.6] },
    { color: "#5fae4a", ellipse: [0.63, 0.76, 0.06, 0.19, 0.6] },
    { color: "#e86aa6", ellipse: [0.5, 0.38, 0.17, 0.22] },
    { color: "#f48abb", ellipse: [0.41, 0.36, 0.09, 0.22, -0.2] },
    { color: "#f48abb", ellipse: [0.59, 0.36, 0.09, 0.22, 0.2] },
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
  cat: [
    { color: "#8ecbf2" },
    { color: "#eda13c", shape: [[0.17, 0.1], [0.2, 0.5], [0.48, 0.28]] },
    { color: "#eda13c", shape: [[0.83, 0.1], [0.8, 0.5], [0.52, 0.28]] },
    { color: "#f4b04a", ellipse: [0.5, 0.57, 0.36, 0.32] },
    { color: "#f9dfae", ellipse: [0.5, 0.7, 0.18, 0.14] },
    { color: "#2b2320", ellipse: [0.35, 0.51, 0.045, 0.065] },
    { color: "#2b2320", ellipse: [0.65, 0.51, 0.045, 0.065] },
    { color: "#c9605a", ellipse: [0.5, 0.64, 0.045, 0.032] },
    { color: "#2b2320", line: [[0.41, 0.73], [0.5, 0.79], [0.59, 0.73]], size: 0.022 },
  ],
  house: [
    { color: "#fdf6ea" },
    { color: "#f3e4c4", shape: [[0.22, 0.45], [0.78, 0.45], [0.78, 0.88], [0.22, 0.88]] },
    { color: "#b9573a", shape: [[0.66, 0.14], [0.75, 0.14], [0.75, 0.36], [0.66, 0.36]] },
    { color: "#d2663c", shape: [[0.5, 0.12], [0.92, 0.5], [0.08, 0.5]] },
    { color: "#8b5a34", shape: [[0.43, 0.62], [0.57, 0.62], [0.57, 0.88], [0.43, 0.88]] },
    { color: "#7fb4d8", shape: [[0.28, 0.58], [0.38, 0.58], [0.38, 0.7], [0.28, 0.7]] },
    { color: "#7fb4d8", shape: [[0.62, 0.58], [0.72, 0.58], [0.72, 0.7], [0.62, 0.7]] },
  ],
  strawberry: [
    { color: "#fdf3d8" },
    { color: "#d8342c", ellipse: [0.5, 0.48, 0.3, 0.24] },
    { color: "#d8342c", shape: [[0.22, 0.54], [0.78, 0.54], [0.56, 0.9], [0.44, 0.9]] },
    { color: "#5aa845", ellipse: [0.38, 0.26, 0.14, 0.06, 0.4] },
    { color: "#5aa845", ellipse: [0.62, 0.26, 0.14, 0.06, -0.4] },
    { color: "#4f9a3d", line: [[0.5, 0.3], [0.5, 0.2], [0.53, 0.12]], size: 0.04 },
    { color: "#f8dc86", ellipse: [0.38, 0.46, 0.02, 0.03] },
    { color: "#f8dc86", ellipse: [0.58, 0.44, 0.02, 0.03] },
    { color: "#f8dc86", ellipse: [0.48, 0.58, 0.02, 0.03] },
    { color: "#f8dc86", ellipse: [0.64, 0.6, 0.02, 0.03] },
    { color: "#f8dc86", ellipse: [0.53, 0.74, 0.02, 0.03] },
  ],
};
