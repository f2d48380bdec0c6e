// The controls of the panel: the field that each changes, its kind and label. Ranges, choices and help come from the
// server's schemas (docs/server.md), unless the page has its own.

/**
 * @typedef {object} Control
 * @property {string} field name in the protocol
 * @property {"settings"|"stream"|"page"} scope
 * @property {string} label
 * @property {string} [help] one line; without it, the schema's
 * @property {"slider"|"choice"|"toggle"|"text"|"number"|"numbers"|"select"} kind
 * @property {number} [min] beginning of the slider, if that is within the schema's range
 * @property {number} [max] end of the slider; the number next to it may be up to `limit`, or the schema's maximum
 * @property {number} [limit]
 * @property {number} [step]
 * @property {[any, string][]} [options] values and their labels; without them, the schema's
 * @property {Record<string, string>} [labels] labels of the schema's values that differ from their names
 * @property {(store: import("../store.js").Store) => boolean} [shown] true if the control has an effect now
 */

const usesScale = ({ settings }) => settings.cfg_type !== "none";
const usesDelta = ({ settings }) => ["self", "initialize"].includes(settings.cfg_type);
const usesNegative = ({ settings }) => ["full", "initialize"].includes(settings.cfg_type);
const redraws = ({ page }) => page.input !== "text";

/** @type {{title: string, open: boolean, controls: Control[]}[]} */
export const groups = [
  {
    title: "Redraw",
    open: true,
    controls: [
      { field: "strength", scope: "settings", label: "Strength", kind: "slider", min: 0.05, max: 1, step: 0.01, shown: redraws },
      { field: "steps", scope: "settings", label: "Steps", kind: "slider", min: 1, max: 8, step: 1 },
      {
        field: "seed", scope: "settings", label: "Seed", kind: "number", min: 0, limit: Number.MAX_SAFE_INTEGER, step: 1,
        help: "The noise that images begin from. The same seed draws the same image.",
      },
    ],
  },
  {
    title: "Guidance",
    open: true,
    controls: [
      { field: "cfg_type", scope: "settings", label: "Kind", kind: "choice" },
      { field: "guidance_scale", scope: "settings", label: "Scale", kind: "slider", min: 0, max: 8, step: 0.05, shown: usesScale },
      { field: "delta", scope: "settings", label: "Delta", kind: "slider", min: 0, max: 2, step: 0.05, shown: usesDelta },
      { field: "negative_prompt", scope: "settings", label: "Negative prompt", kind: "text", shown: usesNegative },
    ],
  },
  {
    title: "Motion",
    open: false,
    controls: [
      { field: "prompt_transition", scope: "settings", label: "Prompt transition", kind: "slider", min: 0, max: 10, step: 0.1, shown: redraws },
      { field: "seed_transition", scope: "settings", label: "Seed transition", kind: "slider", min: 0, max: 10, step: 0.1, shown: redraws },
      { field: "similarity_threshold", scope: "settings", label: "Similarity filter", kind: "slider", min: 0.8, max: 1, step: 0.005 },
      {
        field: "max_skip_frame", scope: "settings", label: "Longest pause", kind: "slider", min: 0, max: 60, step: 1,
        shown: ({ settings }) => settings.similarity_threshold < 1,
      },
      { field: "cross_frame_attention", scope: "settings", label: "Cross-frame attention", kind: "toggle" },
    ],
  },
  {
    title: "Model and image",
    open: false,
    controls: [
      { field: "model", scope: "stream", label: "Model", kind: "select" },
      { field: "side", scope: "stream", label: "Size", kind: "select", help: "The longer side in pixels. Models draw best at their own size." },
      {
        field: "shape", scope: "stream", label: "Shape", kind: "choice",
        options: [["1:1", "1:1"], ["4:3", "4:3"], ["16:9", "16:9"], ["3:4", "3:4"], ["9:16", "9:16"]],
        help: "Width to height.",
      },
      { field: "fit", scope: "stream", label: "Fit", kind: "choice", shown: redraws },
      {
        field: "scaling", scope: "page", label: "Enlarge", kind: "choice",
        options: [["smooth", "Smooth"], ["pixels", "Pixels"]], help: "How small images are shown large.",
      },
      { field: "format", scope: "stream", label: "Format", kind: "choice", labels: { jpeg: "JPEG", webp: "WebP", png: "PNG" } },
      { field: "quality", scope: "stream", label: "Quality", kind: "slider", min: 30, max: 100, step: 1 },
    ],
  },
  {
    title: "Schedule and batching",
    open: false,
    controls: [
      { field: "num_inference_steps", scope: "settings", label: "Schedule length", kind: "slider", min: 10, max: 100, step: 1 },
      { field: "t_index_list", scope: "settings", label: "Step indices", kind: "numbers" },
      { field: "guidance_embedding", scope: "settings", label: "Guidance embedding", kind: "number", step: 0.1 },
      { field: "do_add_noise", scope: "settings", label: "Noise between steps", kind: "toggle" },
      { field: "denoising_batch", scope: "stream", label: "Stream batch", kind: "toggle" },
      { field: "frame_buffer", scope: "stream", label: "Frame buffer", kind: "slider", min: 1, max: 8, step: 1 },
    ],
  },
];
