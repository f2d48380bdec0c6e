// Creates the page's objects and connects them.

import { bindButtons, makeActions, makeKeys } from "./actions.js";
import { keepInAddress } from "./address.js";
import { followImage } from "./ambience.js";
import { showCells } from "./cells.js";
import { Connection } from "./connection.js";
import { showConnection } from "./connection_view.js";
import { Panel } from "./controls/panel.js";
import { takeTokenFromAddress } from "./credentials.js";
import { find } from "./dom.js";
import { Board } from "./drawing/board.js";
import { sketches } from "./drawing/sketches.js";
import { showTools } from "./drawing/tools.js";
import { examplesFor } from "./examples.js";
import { showStatistics } from "./graph.js";
import { Inputs } from "./inputs.js";
import { listenToKeys } from "./keyboard.js";
import { notice, showNote } from "./notices.js";
import { Output } from "./output.js";
import { showPrompt } from "./prompt.js";
import { FrameState } from "./protocol.js";
import { Recorder } from "./recorder.js";
import { Sender } from "./sender.js";
import { Statistics } from "./statistics.js";
import { Store } from "./store.js";
import { Synchroniser } from "./synchroniser.js";
import { followTheme } from "./theme.js";

followTheme();
takeTokenFromAddress();

const connection = new Connection();
const store = new Store();
const synchroniser = new Synchroniser(connection, store);
const statistics = new Statistics();
const sender = new Sender(connection, store, statistics);
const output = new Output(find("#image"));
const board = new Board(find("#board"));
const recorder = new Recorder(output.canvas);
const inputs = new Inputs(store, sender, board);
const panel = new Panel(find("#controls"), store);

showTools(board);
showConnection(connection, store);
showStatistics(statistics);
followImage(find("#light"), output);
showPrompt(store, (example) => {
  store.wish("settings", { prompt: example.prompt });
  if (!board.touched) board.play(sketches[example.sketch]);
});

const actions = makeActions({ store, sender, output, recorder, board, inputs, anotherSketch });
bindButtons(actions);
listenToKeys(makeKeys(actions, store, inputs, board));
for (const button of document.querySelectorAll("[data-view-button]")) {
  button.onclick = () => store.wish("page", { view: button.dataset.viewButton });
}

store.on("change", ({ scope }) => {
  if (scope === "page") showPage();
  if (scope === "stream") showStream();
});
synchroniser.on("refused", (refusal) => {
  if (!panel.refuse(refusal)) notice(refusal.message, "bad");
});
synchroniser.on("loading", (model) => {
  const content = model && { title: `Loading ${model}`, text: "The present model goes on until then." };
  showNote(find("#output-note"), content || null);
});
connection.on("hello", ({ settings }) => {
  output.newSession();
  statistics.newSession();
  if (!settings.prompt && store.wishes.settings.prompt === undefined) {
    store.wish("settings", { prompt: examplesFor(store.model)[0].prompt });
  }
});
connection.on("frame", async (answer) => {
  if (answer.state !== FrameState.image || !(sender.source?.wants(answer.variation) ?? false)) return;
  await output.show(answer);
});
output.on("drawn", ({ time }) => statistics.shown(performance.now() - time));
connection.on("error", ({ id, message }) => {
  if (id === undefined) notice(message, "bad");
});

keepInAddress(store);
startDrawing();
connection.connect();

function showPage() {
  const { view, scaling, input, grid } = store.page;
  Object.assign(document.documentElement.dataset, { view, scaling });
  output.setSmooth(scaling === "smooth");
  const cells = input === "text" ? grid : 1;
  output.setCells(cells);
  showCells(cells, (cell) => {
    store.wish("settings", { seed: store.settings.seed + cell });
    store.wish("page", { grid: 1 });
  });
  for (const button of document.querySelectorAll("[data-view-button]")) {
    const pressed = (button.dataset.viewButton === "controls") === (view === "controls");
    button.setAttribute("aria-pressed", String(pressed));
  }
}

function showStream() {
  const { width, height, fit } = store.currentStream;
  if (!width) return;
  document.documentElement.dataset.fit = fit;
  find(".input-frame").style.setProperty("--aspect", String(width / height));
  output.setStream(store.currentStream);
  board.setAspect(width / height);
}

/** Draws the sketch of the prompt, or the first one. */
function startDrawing() {
  const examples = examplesFor(store.model);
  const { prompt } = store.wishes.settings;
  const example = examples.find((each) => each.prompt === prompt) ?? examples[0];
  board.play(sketches[example.sketch]);
}

/** Draws the next sketch and sets its prompt. The old drawing can be restored by undo. */
function anotherSketch() {
  const examples = examplesFor(store.model);
  const current = examples.findIndex(({ prompt }) => prompt === store.settings.prompt);
  const next = examples[(current + 1) % examples.length];
  store.wish("settings", { prompt: next.prompt });
  board.play(sketches[next.sketch]);
}

