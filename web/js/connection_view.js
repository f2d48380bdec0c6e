// Shows the state of the connection: in the bar, as a note over the output, and as a dialog that asks for the token.

import { setToken, token } from "./credentials.js";
import { find } from "./dom.js";
import { showNote } from "./notices.js";

/**
 * @param {import("./connection.js").Connection} connection
 * @param {import("./store.js").Store} store
 */
export function showConnection(connection, store) {
  const place = find("#output-note");
  const dialog = /** @type {HTMLDialogElement} */ (find("#unlock"));
  connection.on("state", (state) => show(state));
  setInterval(() => {
    if (connection.state.name === "lost") show(connection.state);
  }, 500);
  store.on("change", ({ scope }) => {
    if (scope === "stream") show(connection.state);
  });
  for (const sign of ["pointerdown", "keydown"]) addEventListener(sign, () => connection.wake(), { capture: true });
  dialog.addEventListener("close", () => {
    const given = find("#token").value.trim();
    if (given) setToken(given);
    connection.connect();
  });

  function show(state) {
    document.documentElement.dataset.connection = state.name;
    find("#status").textContent = words(state, store);
    showNote(place, noteFor(state, connection));
    if (state.name === "unauthorised" && !dialog.open) {
      find("#unlock-wrong").hidden = token() === "";
      dialog.showModal();
      find("#token").select();
    }
  }
}

function words({ name, position, retryAt }, { model, currentStream }) {
  if (name === "open" && model) return `Live · ${currentStream.model}, ${currentStream.width} × ${currentStream.height}, ${model.device}`;
  if (name === "asleep") return "Asleep";
  if (name === "queued") return `Number ${position} in line`;
  if (name === "reconnecting") return "Lost · trying again";
  if (name === "lost") return `Lost · again in ${seconds(retryAt)} s`;
  return name === "unauthorised" ? "Needs a token" : "Connecting";
}

function noteFor({ name, position, retryAt, reason }, connection) {
  if (name === "queued") {
    return { title: `Number ${position} in line`, text: "All places are taken. It begins by itself when it is your turn." };
  }
  if (name === "reconnecting") return { title: "Connection lost", text: "Trying again." };
  if (name === "asleep") {
    return { title: "Asleep", text: "Nothing was asked of the server for a while, so others have this place. Draw, type or press a key to go on." };
  }
  if (name === "lost") {
    const text = `${reason} Trying again in ${seconds(retryAt)} s; it goes on with the same look.`;
    return { title: "Connection lost", text, button: "Try now", act: () => connection.connect() };
  }
  return null;
}

const seconds = (retryAt) => Math.max(Math.ceil((retryAt - performance.now()) / 1000), 0);
