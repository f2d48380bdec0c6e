// The prompt field and the examples below it.

import { find, make } from "./dom.js";
import { examplesFor } from "./examples.js";

/**
 * @param {import("./store.js").Store} store
 * @param {(example: import("./examples.js").Example) => void} choose
 */
export function showPrompt(store, choose) {
  const line = find("#prompt");
  const examples = find("#examples");
  let offered;
  line.addEventListener("input", () => store.wish("settings", { prompt: line.value.replaceAll("\n", " ") }));
  line.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  store.on("change", () => {
    const { prompt = "" } = store.settings;
    if (document.activeElement !== line) line.value = prompt;
    if (offered !== examplesFor(store.model)) {
      offered = examplesFor(store.model);
      examples.replaceChildren(...offered.map((example) => exampleButton(example, choose)));
    }
    for (const button of examples.children) button.setAttribute("aria-pressed", String(button.textContent === prompt));
  });
}

function exampleButton(example, choose) {
  return make("button", { type: "button", className: "example", textContent: example.prompt, onclick: () => choose(example) });
}
