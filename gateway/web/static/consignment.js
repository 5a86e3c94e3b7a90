// The charts of a consignment: each is drawn of what the page holds, and zoomed within it.
/* global uPlot */
import { makeClock } from "./chart_clock.js";
import { onFingers, onKeys } from "./chart_hands.js";
import { across, colour, forgetColours, hatch, minus, say } from "./chart_paint.js";

const CLOSEST = 60000; // ms that are shown at least
const TICK = 92; // pixels of a tick's text
const COLOURS = ["link", "warning", "ok", "info", "unknown", "pending"];
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const FONT = '13px system-ui, "DejaVu Sans", sans-serif';
const HINT = "Point at the chart to read a value; drag to zoom";
let open = [];

const colourOf = (index) => COLOURS[index % COLOURS.length];
const dashOf = (index) => DASHES[Math.floor(index / COLOURS.length) % DASHES.length];

// uPlot wants one list of times: a value that a sensor did not send then is undefined, no gap.
function joined(told) {
  return told.lines.length ? uPlot.join(told.lines.map((one) => [one.times, one.values])) : [[], []];
}

// A value with nobody knowing before and after has no line: it is a point.
function lonely(values) {
  const sent = [...values.keys()].filter((i) => values[i] !== undefined);
  return sent.filter((i, at) => {
    const none = (j) => (values[sent[j]] ?? null) === null;
    return values[i] !== null && none(at - 1) && none(at + 1);
  });
}

function spread(told) {
  const seen = [told.low, told.high].filter((one) => one !== null);
  for (const line of told.lines) for (const one of line.values) if (one !== null) seen.push(one);
  if (!seen.length) return [0, 1];
  const low = seen.reduce((a, b) => Math.min(a, b));
  const high = seen.reduce((a, b) => Math.max(a, b));
  const room = (high - low || Math.abs(high) * 0.1 || 1) * 0.12;
  return [low - room, high + room];
}

function draw(element) {
  const told = JSON.parse(element.dataset.plot);
  const card = element.closest(".plotted");
  const clock = makeClock(told.clock);
  const base = { from: told.start, to: told.end };
  const data = joined(told);
  const values = spread(told);
  const stop = new AbortController();
  let view = base;

  const ticks = (u) => Math.max(2, Math.floor((u.width - 70) / TICK));

  function behind(u) {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const y = (value) => Math.min(bbox.top + bbox.height, Math.max(bbox.top, u.valToPos(value, "y", true)));
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    if (told.low !== null || told.high !== null) {
      const top = told.high === null ? bbox.top : y(told.high);
      const bottom = told.low === null ? bbox.top + bbox.height : y(told.low);
      ctx.fillStyle = colour("ok-soft");
      ctx.globalAlpha = 0.6;
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
      ctx.globalAlpha = 1;
    }
    ctx.fillStyle = colour("critical-soft");
    for (const one of told.excursions) {
      const place = across(u, one.from, one.to, 2 * ratio);
      if (place) ctx.fillRect(place.x, bbox.top, place.width, bbox.height);
    }
    const pattern = hatch(ctx, ratio);
    for (const [from, to] of told.gaps) {
      const place = across(u, from, to, ratio);
      if (!place) continue;
      for (const style of [colour("unknown-soft"), pattern]) {
        ctx.fillStyle = style;
        ctx.fillRect(place.x, bbox.top, place.width, bbox.height);
      }
    }
    for (const one of told.alerts) {
      const place = across(u, one.from, one.to, 3 * ratio);
      if (!place) continue;
      ctx.fillStyle = colour(one.severity);
      ctx.fillRect(place.x, bbox.top, place.width, 5 * ratio);
    }
    ctx.restore();
  }

  function before(u) {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.textBaseline = "top";
    for (const [value, above] of [[told.high, true], [told.low, false]]) {
      if (value === null) continue;
      const y = u.valToPos(value, "y", true);
      ctx.strokeStyle = colour("ok");
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([7 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.setLineDash([]);
      const text = `${minus(value)} ${told.unit}`.trim();
      say(ctx, text, bbox.left + bbox.width - 6 * ratio, above ? y - 16 * ratio : y + 4 * ratio, "ok", ratio, "right");
    }
    for (const [from, to] of told.gaps) {
      const place = across(u, from, to, 0);
      if (place && place.width > 90 * ratio)
        say(ctx, "nobody knows", place.x + place.width / 2, bbox.top + bbox.height - 22 * ratio, "faint", ratio, "center");
    }
    ctx.restore();
    beside(u);
  }

  // Excursions above and custody below are parts of the page: they can be read, tapped and copied.
  function beside(u) {
    const left = u.over.offsetLeft;
    const width = u.over.clientWidth;
    const put = (item, from, to) => {
      const begin = Math.max(0, u.valToPos(from, "x"));
      const end = Math.min(width, u.valToPos(to, "x"));
      item.hidden = end <= 0 || begin >= width;
      item.style.left = `${left + begin}px`;
      item.style.width = `${Math.max(2, end - begin)}px`;
    };
    for (const [i, item] of [...flags.children].entries()) put(item, told.excursions[i].from, told.excursions[i].to);
    for (const [i, item] of [...strip.children].entries()) put(item, told.custody[i].from, told.custody[i].to);
  }

  const flags = card.querySelector("[data-flags]");
  flags.replaceChildren(
    ...told.excursions.map((one) => {
      const link = document.createElement("a");
      link.href = `#excursion-${one.number}`;
      const mark = document.createElement("b");
      mark.textContent = one.number;
      link.setAttribute("aria-label", `Excursion ${one.number}`);
      link.append(mark);
      return link;
    }),
  );
  const strip = card.querySelector("[data-custody]");
  strip.replaceChildren(
    ...told.custody.map((one) => {
      const part = document.createElement("span");
      part.textContent = one.name || "nobody is named";
      part.title = part.textContent;
      if (!one.confirmed) part.className = "unconfirmed";
      return part;
    }),
  );
  for (const key of card.querySelectorAll("[data-line]")) key.style.setProperty("--line-colour", `var(--${colourOf(Number(key.dataset.line))})`);

  const readout = card.querySelector("[data-readout]");
  function point(u) {
    const at = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
    if (at === null) return (readout.textContent = HINT);
    const found = told.lines.map((one) => {
      const i = one.times.findLastIndex((t) => t <= at);
      return i < 0 || one.values[i] === null ? "" : `${one.name} ${minus(Number(one.values[i].toFixed(2)))} ${told.unit}`;
    });
    const gap = told.gaps.some(([from, to]) => at > from && at < to);
    const owner = told.custody.find((one) => one.from <= at && at < one.to);
    const texts = [gap ? "nobody knows" : found.filter(Boolean).join(" · "), owner?.name].filter(Boolean);
    readout.textContent = `${clock.full(at)} ${clock.sign(at)}: ${texts.join(" · ")}`;
  }

  const stroke = (index) => () => colour(colourOf(index));
  const chart = new uPlot(
    {
      width: element.clientWidth,
      height: element.clientHeight,
      ms: 1,
      legend: { show: false },
      scales: { x: { time: false, range: () => [view.from, view.to] }, y: { range: () => values } },
      axes: [
        {
          stroke: () => colour("faint"),
          grid: { stroke: () => colour("line"), width: 1 },
          ticks: { show: false },
          font: FONT,
          splits: (u) => clock.ticks(view.from, view.to, ticks(u)),
          values: (u, times) => times.map((t) => clock.label(t, view.from, view.to, ticks(u))),
        },
        {
          stroke: () => colour("faint"),
          grid: { stroke: () => colour("line"), width: 1 },
          ticks: { show: false },
          size: 58,
          font: FONT,
          values: (_u, found) => found.map((value) => minus(Number(value.toPrecision(6)))),
        },
      ],
      series: [
        {},
        ...data.slice(1).map((of, index) => {
          const alone = lonely(of);
          const points = { filter: (_u, _i, show) => (show ? null : alone.length ? alone : null), stroke: stroke(index), fill: stroke(index), size: 6 };
          return { stroke: stroke(index), dash: dashOf(index), width: 2, points };
        }),
      ],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: { show: false },
        bind: { dblclick: () => () => reset() },
      },
      hooks: { drawClear: [behind], draw: [before], setCursor: [point], setSelect: [select] },
    },
    data,
    element,
  );

  function select(u) {
    const { left, width } = u.select;
    if (width > 4) move(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  function move(from, to) {
    const size = Math.min(base.to - base.from, Math.max(CLOSEST, to - from));
    const start = Math.min(base.to - size, Math.max(base.from, from + (to - from - size) / 2));
    view = { from: start, to: start + size };
    chart.setData(data);
    whole.hidden = view.from <= base.from && view.to >= base.to;
  }

  const reset = () => move(base.from, base.to);
  const whole = card.querySelector("[data-whole]");
  whole.addEventListener("click", reset, { signal: stop.signal });
  onKeys(element, () => view, move, reset);
  onFingers(chart.over, () => view, move, move, reset, (event) => {
    const box = chart.over.getBoundingClientRect();
    chart.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
  });
  const sizes = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: element.clientHeight }));
  sizes.observe(element);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const turned = () => {
    forgetColours();
    chart.redraw();
  };
  scheme.addEventListener("change", turned, { signal: stop.signal });
  return () => {
    stop.abort();
    sizes.disconnect();
    chart.destroy();
  };
}

function start() {
  for (const close of open) close();
  open = [...document.querySelectorAll("[data-plot]")].map(draw);
}

document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id === "consignment") start();
});
start();
