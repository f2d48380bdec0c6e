// The WebSocket to the server. A lost connection is opened again after growing waits. Messages become events.

import { renewSessionName, serverAddress, sessionName, token } from "./credentials.js";
import { Emitter } from "./events.js";
import { unpackFrame } from "./protocol.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 10000;
const NO_PLACE_LEFT = 1013;
const SERVER_STOPS = 1001;
const POLICY = 1008;
const SILENCE = 2000;  // Milliseconds. Closing with POLICY after such a silence means that the session was idle.

/**
 * Events: "state" ({@link ConnectionState}), "frame" (an Answer), and each type of text message under its name.
 *
 * @typedef {object} ConnectionState
 * @property {"connecting"|"queued"|"open"|"lost"|"reconnecting"|"asleep"|"unauthorised"} name
 * @property {number} [position] position in the queue, from 1
 * @property {number} [retryAt] time of the next attempt, as performance.now() gives it
 * @property {string} [reason]
 */
export class Connection extends Emitter {
  /** @type {ConnectionState} */
  state = { name: "connecting" };
  #socket = null;
  #wait = FIRST_WAIT;
  #timer = 0;
  #failures = 0;
  #lastSent = 0;

  get open() {
    return this.state.name === "open";
  }

  /** The number of bytes that the browser has not yet handed to the network. */
  get backlog() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  connect() {
    clearTimeout(this.#timer);
    this.#setState({ name: this.state.name === "lost" ? "reconnecting" : "connecting" });
    const url = serverAddress("/v1/stream", { session: sessionName() });
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#socket = socket;
  }

  /** Opens a session again that was closed because it was idle. Called when the user is active. */
  wake() {
    if (this.state.name === "asleep") this.connect();
  }

  /** @param {object} message */
  send(message) {
    this.#lastSent = performance.now();
    this.#socket.send(JSON.stringify(message));
  }

  /** @param {ArrayBuffer} frame */
  sendFrame(frame) {
    this.#lastSent = performance.now();
    this.#socket.send(frame);
  }

  #receive(data) {
    if (typeof data !== "string") {
      this.emit("frame", unpackFrame(data));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "queue") this.#setState({ name: "queued", position: message.position });
    if (message.type === "hello") {
      this.#wait = FIRST_WAIT;
      this.#failures = 0;
      this.#setState({ name: "open" });
    }
    this.emit(message.type, message);
  }

  async #closed(code, reason) {
    const neverOpened = this.state.name.endsWith("connecting");
    this.#socket = null;
    if (neverOpened && (await answersUnauthorised())) {
      this.#setState({ name: "unauthorised" });
      return;
    }
    if (code === POLICY && performance.now() - this.#lastSent > SILENCE) {
      this.#setState({ name: "asleep" });
      return;
    }
    // The name may still belong to this tab's lost connection for a moment, or to a copy of this tab for good.
    this.#failures += neverOpened ? 1 : 0;
    if (this.#failures % 3 === 2) renewSessionName();
    this.#retryLater(reasonFor(code, reason));
  }

  #retryLater(reason) {
    const wait = this.#wait * (0.8 + 0.4 * Math.random());
    this.#wait = Math.min(this.#wait * 1.7, LONGEST_WAIT);
    this.#timer = setTimeout(() => this.connect(), wait);
    this.#setState({ name: "lost", retryAt: performance.now() + wait, reason });
  }

  #setState(state) {
    this.state = state;
    this.emit("state", state);
  }
}

/** Asks by a plain request if the token is missing or wrong. Browsers do not tell why a WebSocket was refused. */
async function answersUnauthorised() {
  try {
    const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
    return (await fetch("/v1/models", { headers, cache: "no-store" })).status === 401;
  } catch {
    return false;
  }
}

function reasonFor(code, reason) {
  if (code === SERVER_STOPS) return "The server was stopped.";
  if (code === NO_PLACE_LEFT) return "The server has no place left.";
  return reason ? `The server closed the connection: ${reason}.` : "The server does not answer.";
}
