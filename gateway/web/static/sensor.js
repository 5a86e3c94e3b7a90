// The view of a sensor: its chart, and what is fetched again when something changes.
/* global htmx */
import { length, minus, openChart, said } from "./chart.js";
import { SIGNS } from "./chart_paint.js";

const AGAIN = 2000; // ms between two looks at how it stands
const ROWS = 120; // of the table; with more values a row is a length of time

const HINT = "Point at the chart to read a value; drag to zoom";

let chart = null;
let shown = null;
let waiting = 0;

const find = (name) => document.querySelector(name);

function element(tag, text, name) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

function start() {
  const plot = find("#plot");
  chart?.close();
  chart = openChart(plot, {
    loaded(data, view, clock, zoomed) {
      shown = { data, view, clock };
      summary(plot.dataset.unit);
      legend();
      table();
      find("[data-sign]").textContent = clock.signs(view.from, view.to).join(", then ");
      csv(plot.dataset);
      if (zoomed) find("[data-said]").textContent = `Shown: ${clock.full(view.from)} to ${clock.full(view.to)}`;
    },
    pointed: (text) => (find("[data-readout]").textContent = text || HINT),
    zoomed: (zoomed) => {
      find("[data-zoom=reset]").hidden = !zoomed;
      if (!zoomed) find("[data-said]").textContent = "";
    },
    failed(text) {
      const problem = find("[data-problem]");
      problem.textContent = text;
      problem.hidden = !text;
    },
    words,
  });
  find(".values").addEventListener("toggle", table);
}

function words(kind) {
  const told = find("[data-mark-words]").content.querySelector(`[data-kind="${kind}"]`);
  return told.textContent;
}

function summary(unit) {
  const { data, clock } = shown;
  const { readings, lowest, lowest_at, highest, highest_at, mean, outside, unknown } = data.summary;
  const one = (value) => `${minus(Number(value.toFixed(2)))}${unit ? ` ${unit}` : ""}`;
  const found = readings
    ? [`${readings.toLocaleString("en")} reading${readings === 1 ? "" : "s"}.`]
    : ["No reading in this time."];
  if (data.heard > data.start && data.heard < data.end) found.push(`First heard ${clock.full(data.heard)}.`);
  if (lowest !== null)
    found.push(
      `Lowest ${one(lowest)} (${clock.full(lowest_at)}), highest ${one(highest)} (${clock.full(highest_at)}), mean ${one(mean)}.`,
    );
  if (data.limits.length) found.push(outside ? `Outside the limits for ${length(outside)}.` : "Never outside the limits.");
  found.push(unknown ? `Unknown for ${length(unknown)}.` : "Never unknown.");
  find("#summary").textContent = found.join(" ");
}

function legend() {
  const { data, clock } = shown;
  const lines = [];
  for (const one of data.limits) lines.push(["limit", "", `${one.rule}: ${one.words} (${one.severity})`, one.severity]);
  if (data.excursions.length) lines.push(["shade", "", "an alert was open", data.excursions[0].severity]);
  if (data.gaps.length) lines.push(["hatch", "", `unknown: nothing usable for more than ${length(data.hold)}`]);
  if (data.offsets.length) lines.push(["sign", "±", "corrected by calibration: the table has what the sensor said beside it"]);
  for (const one of data.before) lines.push(["sign", "⇤", `until ${clock.full(one.until)} by ${one.device}, which was replaced`]);
  const counts = new Map();
  for (const { kind, count } of data.marks) counts.set(kind, (counts.get(kind) ?? 0) + count);
  for (const [kind, count] of counts) lines.push(["sign", SIGNS[kind], `${words(kind)}: ${count.toLocaleString("en")}`]);
  find("[data-legend]").replaceChildren(
    ...lines.map(([kind, sign, text, state]) => {
      const line = element("li", "");
      const mark = element("span", sign, `key ${kind}${state ? ` ${state}` : ""}`);
      mark.setAttribute("aria-hidden", "true");
      line.append(mark, element("span", text));
      return line;
    }),
  );
}

function table() {
  if (!shown || !find(".values").open) return;
  const { data, view, clock } = shown;
  const values = [...data.when.keys()].filter((i) => data.values[i] !== null);
  const few = values.length <= ROWS;
  const raw = data.offsets.length > 0;
  const remarks = new Map();
  for (const { at, kind, text } of data.marks) remarks.set(at, [...(remarks.get(at) ?? []), text || words(kind)]);
  const heads = few ? ["Time", "Value", ...(raw ? ["As sent"] : []), ...(remarks.size ? ["Remarks"] : [])] : ["From", "Lowest", "Highest"];
  const rows = [];
  if (few) {
    const found = new Map(values.map((i) => [data.when[i], data.values[i]]));
    // What cannot be true has no value here, and is told nevertheless.
    for (const at of remarks.keys()) if (!found.has(at)) found.set(at, null);
    for (const [at, value] of [...found].sort(([a], [b]) => a - b)) {
      const cells = [clock.full(at, true), value === null ? "–" : minus(value)];
      if (raw) cells.push(value === null ? "" : minus(said(data, at, value)));
      if (remarks.size) cells.push((remarks.get(at) ?? []).join("; "));
      rows.push(cells);
    }
  } else {
    const width = (view.to - view.from) / (ROWS / 2);
    const slots = new Map();
    for (const i of values) {
      const slot = Math.floor((data.when[i] - view.from) / width);
      if (!slots.has(slot)) slots.set(slot, []);
      slots.get(slot).push(data.values[i]);
    }
    for (const [slot, found] of slots) {
      rows.push([clock.full(view.from + slot * width), minus(Math.min(...found)), minus(Math.max(...found))]);
    }
  }
  const head = element("tr", "");
  const kind = (i) => (i && heads[i] !== "Remarks" ? "number" : "");
  heads.forEach((text, i) => head.append(element("th", text, kind(i))));
  find("[data-heads]").replaceChildren(head);
  find("[data-rows]").replaceChildren(
    ...rows.map((cells) => {
      const line = element("tr", "");
      cells.forEach((text, i) => line.append(element("td", text, kind(i))));
      return line;
    }),
  );
}

function csv({ values, channel }) {
  const { from, to } = shown.view;
  const query = new URLSearchParams({ channel, from, to, format: "csv" });
  find("[data-csv]").href = `${values}?${query}`;
  // Each device has its own readings: of those before it there is a file for each.
  find("[data-csv-before]").replaceChildren(
    ...shown.data.before.map(({ device }) => {
      const link = element("a", `Those of ${device} (CSV)`, "button");
      const key = device.split("/").map(encodeURIComponent).join("/");
      link.href = `/api/v1/devices/${key}/readings?${query}`;
      link.download = "";
      return link;
    }),
  );
}

function soon() {
  if (!waiting) waiting = setTimeout(again, AGAIN);
}

function again() {
  waiting = 0;
  if (!document.hidden) htmx.trigger(find("#head"), "again");
}

// The head was fetched again: its newest values are in the channels' tabs and in the chart too.
function headed() {
  const { newest, at } = find("#head").dataset;
  const values = JSON.parse(newest);
  for (const tab of document.querySelectorAll("[data-of]")) {
    const name = tab.dataset.of;
    if (!(name in values)) continue;
    const value = values[name];
    const degrees = tab.querySelector("small").textContent === "°C";
    tab.querySelector("[data-value]").textContent = value === null ? "?" : minus(degrees ? value.toFixed(1) : Number(value.toPrecision(6)));
  }
  chart?.take(Number(at), values[find("#plot").dataset.channel] ?? null);
  table();
}

document.addEventListener("click", (event) => {
  const zoom = event.target.closest("[data-zoom]")?.dataset.zoom;
  if (zoom === "reset") chart.reset();
  else if (zoom) chart.zoom(zoom === "in" ? 0.5 : 2);
  if (event.target.closest("[data-again]")) htmx.trigger(find("#messages"), "again");
});
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id === "sensor") start();
  else if (event.detail.elt.id === "head") headed();
});
for (const name of ["live:rows", "live:alerts", "live:back", "acted"]) document.body.addEventListener(name, soon);
document.body.addEventListener("live:back", () => chart.refresh());
start();
