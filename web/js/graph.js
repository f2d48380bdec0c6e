// Shows the last minute as figures and a graph: latency, and ticks for dropped, skipped and reused frames.

import { find } from "./dom.js";

const SPAN = 60000;
const INTERVAL = 250;
const COLUMNS = SPAN / INTERVAL;
const TICKS = 12;  // Height of the ticks' area in CSS pixels.
const COLORS = { dropped: "--bad", skipped: "--skip", reused: "--reuse" };

/** @param {import("./statistics.js").Statistics} statistics */
export function showStatistics(statistics) {
  setInterval(() => {
    if (document.hidden) return;
    const summary = statistics.summary();
    showFigures(summary);
    drawGraph(find("#graph"), statistics.events);
  }, INTERVAL);
}

function showFigures({ fps, median, worst, dropped, skipped, reused }) {
  show("#fps", fps === 0 ? "still" : String(fps), "");
  show("#median", Number.isNaN(median) ? "–" : String(Math.round(median)), Number.isNaN(median) ? "" : "ms");
  show("#worst", Number.isNaN(worst) ? "–" : String(Math.round(worst)), Number.isNaN(worst) ? "" : "ms");
  for (const [name, count] of Object.entries({ dropped, skipped, reused })) show(`#${name}`, String(count), "");
}

function show(selector, text, unit) {
  const element = find(selector);
  if (element.dataset.shown === text) return;
  element.dataset.shown = text;
  element.textContent = text;
  if (unit) element.append(Object.assign(document.createElement("small"), { textContent: unit }));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("./statistics.js").FrameEvent[]} events
 */
function drawGraph(canvas, events) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale].map(Math.round);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  context.clearRect(0, 0, width, height);
  const columns = gather(events);
  const ground = height - TICKS * scale;
  context.fillStyle = style.getPropertyValue("--line");
  context.fillRect(0, ground, width, scale);
  drawLatency(context, columns, { width, ground, scale, color: style.getPropertyValue("--ink") });
  drawTicks(context, columns, { width, ground, scale, style });
}

/**
 * Sums events up by INTERVAL.
 * @returns {{latency: number, dropped: number, skipped: number, reused: number}[]} oldest first
 */
function gather(events) {
  const columns = Array.from({ length: COLUMNS }, () => ({ latency: 0, dropped: 0, skipped: 0, reused: 0 }));
  const now = performance.now();
  for (const { time, kind, latency } of events) {
    const column = columns[COLUMNS - 1 - Math.floor((now - time) / INTERVAL)];
    if (!column) continue;
    if (kind === "shown") column.latency = Math.max(column.latency, latency);
    else column[kind] += 1;
  }
  return columns;
}

function drawLatency(context, columns, { width, ground, scale, color }) {
  const highest = Math.max(50, ...columns.map(({ latency }) => latency));
  const each = width / COLUMNS;
  context.fillStyle = color;
  columns.forEach(({ latency }, index) => {
    if (latency === 0) return;
    const height = Math.max((latency / highest) * (ground - 2 * scale), scale);
    context.globalAlpha = 0.18;
    context.fillRect(index * each, ground - height, Math.max(each - 0.5, 1), height);
    context.globalAlpha = 1;
    context.fillRect(index * each, ground - height, Math.max(each, 1), 1.5 * scale);
  });
}

function drawTicks(context, columns, { width, ground, scale, style }) {
  const each = width / COLUMNS;
  Object.entries(COLORS).forEach(([kind, color], row) => {
    context.fillStyle = style.getPropertyValue(color);
    columns.forEach((column, index) => {
      if (column[kind]) context.fillRect(index * each, ground + (3 + row * 3) * scale, Math.max(each, scale), 2 * scale);
    });
  });
}
