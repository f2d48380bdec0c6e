// Opens the chosen source and shows it, or explains why it cannot. Takes files from dialog, drop and clipboard.

import { find, make } from "./dom.js";
import { notice, showNote } from "./notices.js";
import { cameras, openCamera, openScreen, preferCamera, SourceError } from "./sources/devices.js";
import { mediaFile, openFile } from "./sources/file.js";
import { TextSource } from "./sources/text_source.js";

const KINDS = ["draw", "camera", "screen", "file", "text"];

export class Inputs {
  #store;
  #sender;
  #board;
  /** @type {File|null} */
  #file = null;
  #shown = "";
  #opening = 0;

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./sender.js").Sender} sender
   * @param {import("./drawing/board.js").Board} board
   */
  constructor(store, sender, board) {
    this.#store = store;
    this.#sender = sender;
    this.#board = board;
    for (const input of document.querySelectorAll('[name="input"]')) input.onchange = () => this.choose(input.value);
    for (const grid of document.querySelectorAll('[name="grid"]')) {
      grid.onchange = () => store.wish("page", { grid: Number(grid.value) });
    }
    find("#file").onchange = ({ target }) => target.files[0] && this.take(target.files[0]);
    find("#camera").onchange = ({ target }) => {
      preferCamera(target.value);
      this.open();
    };
    this.#takeDropsAndPastes();
    store.on("change", () => this.#follow());
  }

  /** @param {string} kind one of KINDS */
  choose(kind) {
    this.#store.wish("page", { input: kind });
  }

  /** Uses a file from a dialog, a drop or the clipboard. @param {File} file */
  take(file) {
    this.#file = file;
    if (this.#kind === "file") this.open();
    else this.choose("file");
  }

  /** Opens the chosen source, or opens it again. */
  async open() {
    const kind = this.#kind;
    const attempt = ++this.#opening;
    this.#arrange(kind);
    this.#sender.setSource(null);
    try {
      const source = await this.#make(kind);
      if (attempt !== this.#opening) source?.stop();
      else this.#use(kind, source);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      if (attempt === this.#opening) this.#explain(kind, error.message);
    }
  }

  /** Applies the store's choice of mirroring to the camera. */
  showMirror() {
    const mirrored = this.#kind === "camera" && this.#store.page.mirror;
    find("#input-view").classList.toggle("mirrored", mirrored);
    find('[data-action="mirror"]').setAttribute("aria-pressed", String(mirrored));
    if (this.#kind === "camera" && this.#sender.source) this.#sender.source.mirrored = mirrored;
  }

  get #kind() {
    const { input } = this.#store.page;
    return KINDS.includes(input) ? input : "draw";
  }

  #follow() {
    const { grid } = this.#store.page;
    const shown = this.#kind === "text" ? `text ${grid}` : this.#kind;
    for (const input of document.querySelectorAll('[name="input"]')) input.checked = input.value === this.#kind;
    for (const input of document.querySelectorAll('[name="grid"]')) input.checked = Number(input.value) === grid;
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.open();
    }
    this.showMirror();
  }

  async #make(kind) {
    if (kind === "camera") return openCamera();
    if (kind === "screen") return openScreen();
    if (kind === "text") return new TextSource(this.#store.page.grid);
    if (kind === "file") return this.#file && openFile(this.#file);
    return this.#board;
  }

  #arrange(kind) {
    document.documentElement.dataset.input = kind;
    for (const each of KINDS) find(`#${each}-tools`).hidden = each !== kind;
    find("#board").hidden = kind !== "draw";
    find("#input-view").hidden = true;
    showNote(find("#input-note"), null);
    if (kind === "file" && !this.#file) {
      showNote(find("#input-note"), { title: "An image or a video", text: "Choose one below, drop it anywhere on the page, or paste it." });
    }
  }

  #use(kind, source) {
    this.#sender.setSource(source);
    if (!source || kind === "draw" || kind === "text") return;
    find("#input-view").replaceChildren(source.element);
    find("#input-view").hidden = false;
    this.showMirror();
    for (const track of source.tracks ?? []) track.onended = () => this.#ended(kind, source);
    if (kind === "camera") this.#listCameras(source);
  }

  #ended(kind, source) {
    if (source !== this.#sender.source) return;
    this.#explain(kind, kind === "camera" ? "The camera was unplugged or taken away." : "Sharing was ended.");
  }

  #explain(kind, message) {
    find("#input-view").hidden = true;
    if (kind === "file") {
      this.#file = null;
      notice(message, "bad");
      this.#arrange(kind);
      return;
    }
    find(`#${kind}-tools`).hidden = true;
    const title = kind === "camera" ? "No camera" : "No screen";
    showNote(find("#input-note"), { title, text: message, button: "Try again", act: () => this.open() });
  }

  async #listCameras(source) {
    const used = source.tracks[0]?.getSettings().deviceId;
    const options = (await cameras()).map(({ id, name }) => make("option", { value: id, textContent: name, selected: id === used }));
    find("#camera").replaceChildren(...options);
  }

  #takeDropsAndPastes() {
    const target = find("#drop");
    addEventListener("dragover", (event) => {
      event.preventDefault();
      target.hidden = !event.dataTransfer.types.includes("Files");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) target.hidden = true;
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      target.hidden = true;
      this.#takeFrom(event.dataTransfer);
    });
    addEventListener("paste", (event) => this.#takeFrom(event.clipboardData));
  }

  #takeFrom(data) {
    const file = mediaFile(data);
    if (file) this.take(file);
    else if (data?.files.length) notice("That is no image or video.", "bad");
  }
}
