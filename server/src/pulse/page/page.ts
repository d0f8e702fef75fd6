import { onColours } from "./colours.ts";
import { figures } from "./figures.ts";
import { History, type View } from "./history.ts";
import { drawLegend } from "./legend.ts";
import { Plot } from "./plot.ts";
import { type Connection, readSamples } from "./samples.ts";
import { Table } from "./table.ts";

// The live view: what all instances tell of themselves, each second, in one plot for each figure.

const tokenKey = "holdfast-admin-token";

const status = element("#status", HTMLElement);
const pause = element("#pause", HTMLButtonElement);
const form = element("#entry", HTMLFormElement);
const live = element("#live", HTMLElement);
const wrong = element("#wrong", HTMLElement);
const input = element("#token", HTMLInputElement);
const legend = element("#legend", HTMLElement);
const time = element("#time", HTMLElement);
const table = new Table(element("table", HTMLTableElement));

const history = new History();
let view: View = history.view();
/** The second that the pointer is on. */
let pointed: number | undefined;
let isPaused = false;
let reading = new AbortController();

const plots = figures.map((figure) => new Plot({ figure, onPoint: point }));
element("#plots", HTMLElement).append(...plots.map((plot) => plot.element));
element("#plots", HTMLElement).addEventListener("pointerleave", () => point(undefined));
onColours(() => {
  for (const plot of plots) plot.recolour();
  drawLegend(legend, view);
});

pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  if (!isPaused) draw();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  // For this tab alone, and never in the address.
  sessionStorage.setItem(tokenKey, input.value);
  input.value = "";
  start();
});

start();

function start(): void {
  reading.abort();
  reading = new AbortController();
  void readSamples({
    url: new URL("pulse/samples", location.href),
    token: sessionStorage.getItem(tokenKey) ?? "",
    signal: reading.signal,
    onConnection: show,
    onSamples(samples) {
      const before = history.last;
      for (const sample of samples) history.add(sample, Date.now());
      if (history.last !== before && !isPaused) requestAnimationFrame(draw);
    },
  });
}

function show(connection: Connection): void {
  const { is } = connection;
  const isAsking = is === "unauthenticated";
  if (isAsking && form.hidden) {
    wrong.hidden = sessionStorage.getItem(tokenKey) === null;
    form.hidden = false;
    live.hidden = true;
    input.focus();
  } else if (isAsking) wrong.hidden = false;
  if (is === "live") {
    form.hidden = true;
    live.hidden = false;
  }
  pause.hidden = is !== "live" && history.last === undefined;
  const text = textOf(connection);
  if (status.textContent !== text) status.textContent = text;
  status.dataset.is = is;
}

function textOf(connection: Connection): string {
  switch (connection.is) {
    case "connecting":
      return "connecting";
    case "live":
      return `live, through ${connection.by}`;
    case "away":
      return `${connection.why}; trying again`;
    case "unauthenticated":
      return "ADMIN_TOKEN is asked for";
  }
}

/** Draws what is complete by now. */
function draw(): void {
  if (isPaused) return;
  view = history.view();
  for (const plot of plots) plot.draw(view);
  drawLegend(legend, view);
  read();
}

/** Shows the values of the second that the pointer is on, or the newest ones. */
function read(): void {
  const second = pointed !== undefined && view.seconds.includes(pointed) ? pointed : undefined;
  for (const plot of plots) plot.read(second);
  table.draw(view, second);
  const shown = second ?? view.seconds.at(-1);
  time.textContent = shown === undefined ? "" : new Date(shown * 1000).toLocaleTimeString();
}

function point(second: number | undefined): void {
  if (second === pointed) return;
  pointed = second;
  for (const plot of plots) if (!plot.element.matches(":hover")) plot.point(second);
  read();
}

function element<Kind extends HTMLElement>(selector: string, kind: new () => Kind): Kind {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}
