// The actions of buttons and keys. A button names its action in data-action.

import { anotherSeed } from "./controls/fields.js";
import { serverAddress, token } from "./credentials.js";
import { chooseTool, scaleBrush } from "./drawing/tools.js";
import { find } from "./dom.js";
import { notice } from "./notices.js";
import { save } from "./recorder.js";
import { toggleTheme } from "./theme.js";

const VIEWS = ["all", "play", "controls"];

/**
 * Makes the actions by name, as data-action gives it.
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {import("./sender.js").Sender} parts.sender
 * @param {import("./output.js").Output} parts.output
 * @param {import("./recorder.js").Recorder} parts.recorder
 * @param {import("./drawing/board.js").Board} parts.board
 * @param {import("./inputs.js").Inputs} parts.inputs
 * @param {() => void} parts.anotherSketch
 * @returns {Record<string, () => void>}
 */
export function makeActions({ store, sender, output, recorder, board, inputs, anotherSketch }) {
  return {
    pause: () => {
      sender.paused = !sender.paused;
      const button = find('[data-action="pause"]');
      button.setAttribute("aria-pressed", String(sender.paused));
      button.querySelector("span").textContent = sender.paused ? "Go on" : "Pause";
      button.querySelector("use").setAttribute("href", sender.paused ? "#i-play" : "#i-pause");
    },
    "save-image": async () => {
      if (output.empty) notice("There is no image yet.", "bad");
      else save(await output.toPng(), "png");
    },
    record: () => toggleRecording(recorder),
    "full-screen": () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else if (output.canvas.parentElement.requestFullscreen) output.canvas.parentElement.requestFullscreen();
      else notice("This browser shows no full screen.", "bad");
    },
    share: () => shareLook(),
    cast: () => {
      find("#cast-address").value = serverAddress("/stream.mjpg", { session: store.session }).href;
      find("#cast-token").hidden = token() === "";
      find("#cast").showModal();
    },
    "copy-cast": () => copy(find("#cast-address").value, "The address is copied."),
    view: () => {
      const next = VIEWS[(VIEWS.indexOf(store.page.view) + 1) % VIEWS.length];
      store.wish("page", { view: next });
    },
    theme: toggleTheme,
    help: () => find("#help").showModal(),
    dice: () => store.wish("settings", { seed: anotherSeed() }),
    mirror: () => store.wish("page", { mirror: !store.page.mirror }),
    "retry-input": () => inputs.open(),
    undo: () => board.undo(),
    redo: () => board.redo(),
    clear: () => board.clear(),
    sketch: anotherSketch,
  };
}

/** Connects all buttons with a data-action. @param {Record<string, () => void>} actions */
export function bindButtons(actions) {
  for (const button of document.querySelectorAll("[data-action]")) {
    button.addEventListener("click", actions[button.dataset.action]);
  }
}

/**
 * Makes the groups of keyboard shortcuts for listenToKeys.
 * @param {Record<string, () => void>} actions
 * @param {import("./store.js").Store} store
 * @param {import("./inputs.js").Inputs} inputs
 * @param {import("./drawing/board.js").Board} board
 */
export function makeKeys(actions, store, inputs, board) {
  const strength = (by) => store.wish("settings", { strength: rounded(Math.min(Math.max(store.settings.strength + by, 0.05), 1)) });
  const seed = (by) => store.wish("settings", { seed: Math.max(store.settings.seed + by, 0) });
  const steps = (by) => store.wish("settings", { steps: Math.max(store.settings.steps + by, 1) });
  const focus = (selector) => find(selector).focus();
  return [
    {
      title: "Everywhere",
      keys: [
        { key: "/", label: "Prompt", act: () => focus("#prompt") },
        { key: "escape", shown: "Esc", label: "Leave a text field", act: () => document.activeElement?.blur() },
        { key: " ", shown: "Space", label: "Pause, go on", act: actions.pause },
        { key: "s", label: "Save the image", act: actions["save-image"] },
        { key: "r", label: "Record, stop recording", act: actions.record },
        { key: "f", label: "Full screen", act: actions["full-screen"] },
        { key: "l", label: "Copy a link to this look", act: actions.share },
        { key: "o", label: "Address for OBS", act: actions.cast },
        { key: "v", label: "All, no controls, controls alone", act: actions.view },
        { key: "t", label: "Dark or light", act: actions.theme },
        { key: "?", label: "This page", act: actions.help },
      ],
    },
    {
      title: "Input",
      keys: ["draw", "camera", "screen", "file", "text"].map((kind, index) => ({
        key: String(index + 1), act: () => inputs.choose(kind),
        label: ["Draw", "Camera", "Screen or window", "Image or video", "Words alone"][index],
      })),
    },
    {
      title: "Look",
      keys: [
        { key: "arrowup", shown: "↑", label: "More strength", act: () => strength(0.05) },
        { key: "arrowdown", shown: "↓", label: "Less strength", act: () => strength(-0.05) },
        { key: "arrowright", shown: "→", label: "Next seed", act: () => seed(1) },
        { key: "arrowleft", shown: "←", label: "Previous seed", act: () => seed(-1) },
        { key: "d", label: "Another seed", act: actions.dice },
        { key: "+", label: "More steps", act: () => steps(1) },
        { key: "-", shown: "−", label: "Fewer steps", act: () => steps(-1) },
        { key: "m", label: "Mirror the camera", act: actions.mirror },
      ],
    },
    {
      title: "Drawing",
      keys: [
        { key: "b", label: "Brush", act: () => chooseTool(board, "brush") },
        { key: "e", label: "Eraser", act: () => chooseTool(board, "eraser") },
        { key: "g", label: "Fill", act: () => chooseTool(board, "fill") },
        { key: "i", label: "Pick a colour", act: () => chooseTool(board, "pick") },
        { key: "[", label: "Smaller brush", act: () => scaleBrush(board, 0.8) },
        { key: "]", label: "Larger brush", act: () => scaleBrush(board, 1.25) },
        { key: "n", label: "Another sketch", act: actions.sketch },
        { key: "delete", shown: "Del", label: "Clear", act: actions.clear },
        { key: "z", control: true, label: "Undo", act: actions.undo },
        { key: "shift z", shown: "Ctrl Shift Z", control: true, label: "Redo", act: actions.redo },
        { key: "c", label: "Canvas: arrows and Space draw", act: () => focus("#board") },
      ],
    },
  ];
}

const rounded = (value) => Math.round(value * 100) / 100;

function toggleRecording(recorder) {
  const button = find('[data-action="record"]');
  try {
    if (recorder.recording) recorder.stop();
    else recorder.start();
  } catch (error) {
    notice(error.message, "bad");
  }
  button.setAttribute("aria-pressed", String(recorder.recording));
  showSeconds();

  function showSeconds() {
    const time = `${Math.floor(recorder.seconds / 60)}:${String(recorder.seconds % 60).padStart(2, "0")}`;
    button.querySelector("span").textContent = recorder.recording ? `Stop ${time}` : "Record";
    if (recorder.recording) setTimeout(showSeconds, 500);
  }
}

async function shareLook() {
  const onPhone = matchMedia("(pointer: coarse)").matches;
  if (!onPhone || !navigator.share) return copy(location.href, "A link to this look is copied.");
  try {
    await navigator.share({ title: "streamdiffusion", url: location.href });
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    notice(done);
  } catch {
    // Pages without HTTPS cannot use the clipboard, so the user copies by hand.
    prompt("Copy this:", text);
  }
}
