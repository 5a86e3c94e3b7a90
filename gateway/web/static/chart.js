// A chart of one channel: asks the server for what is shown, at the fineness that is seen, and
// draws it. Whatever is zoomed is asked for anew, so that nothing is ever a guess.
/* global uPlot */
import { now } from "./ages.js";
import { length, makeClock } from "./chart_clock.js";
import { onFingers, onKeys, scaled } from "./chart_hands.js";
import { colour, forgetColours, lineColour, minus, paintBefore, paintBehind } from "./chart_paint.js";

const CLOSEST = 10000; // ms that are shown at least
const LONGEST = 400 * 86400000; // ms that the server tells at most
const MOST = 2000; // values that the server sends at most
const TICK = 92; // pixels of a tick's text
const OFTEN = 10000; // ms between two questions for what is new
const SETTLE = 200; // ms after which one who zooms is taken to have stopped

export function openChart(element, tell) {
  const { address, channel, unit } = element.dataset;
  const rolling = "rolling" in element.dataset;
  let base = { from: Number(element.dataset.from), to: Number(element.dataset.to) };
  const began = now();
  let view = base;
  let data = null;
  let clock = makeClock([[0, 0, "UTC"]]);
  let chart = null;
  let asking = null;
  let settle = 0;
  let asked = Date.now();
  const stop = new AbortController();

  const zoomed = () => view.from !== base.from || view.to !== base.to;
  const drawn = () => [data.when, data.values];

  function low_high() {
    const seen = [];
    data.when.forEach((t, i) => t >= view.from && t <= view.to && data.values[i] !== null && seen.push(data.values[i]));
    for (const one of data.limits) seen.push(...[one.low, one.high].filter((value) => value !== null));
    if (!seen.length) return [0, 1];
    const low = seen.reduce((a, b) => Math.min(a, b));
    const high = seen.reduce((a, b) => Math.max(a, b));
    const room = (high - low || Math.abs(high) * 0.1 || 1) * 0.12;
    return [low - room, high + room];
  }

  const ticks = (u) => Math.max(2, Math.floor((u.width - 70) / TICK));
  const stroke = (u) => {
    const limits = data.limits.filter((one) => one.until === null || one.until >= view.to);
    return limits.length ? lineColour(u, limits, "link") : colour("link");
  };
  // A value with nobody knowing before and after has no line: it is a point.
  function lonely(u, series, show) {
    if (show) return null;
    const values = u.data[series];
    const none = (i) => (values[i] ?? null) === null;
    const found = [];
    for (let i = 0; i < values.length; i += 1) if (!none(i) && none(i - 1) && none(i + 1)) found.push(i);
    return found.length ? found : null;
  }

  function make() {
    const options = {
      width: element.clientWidth,
      height: element.clientHeight,
      ms: 1,
      legend: { show: false },
      scales: { x: { time: false, range: () => [view.from, view.to] }, y: { range: low_high } },
      axes: [
        {
          stroke: () => colour("faint"),
          grid: { stroke: () => colour("line"), width: 1 },
          ticks: { show: false },
          font: '13px system-ui, "DejaVu Sans", sans-serif',
          splits: (u) => clock.ticks(view.from, view.to, ticks(u)),
          values: (u, found) => found.map((t) => clock.label(t, view.from, view.to, ticks(u))),
        },
        {
          stroke: () => colour("faint"),
          grid: { stroke: () => colour("line"), width: 1 },
          ticks: { show: false },
          size: 58,
          font: '13px system-ui, "DejaVu Sans", sans-serif',
          values: (_u, found) => found.map((value) => minus(Number(value.toPrecision(6)))),
        },
      ],
      series: [{}, { stroke, width: 2, points: { filter: lonely, stroke, fill: stroke, size: 6 } }],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: { size: 9, stroke: () => colour("card"), fill: () => colour("ink") },
        bind: { dblclick: () => () => reset() },
      },
      hooks: {
        drawClear: [(u) => paintBehind(u, data, clock)],
        draw: [(u) => paintBefore(u, data, unit)],
        setCursor: [point],
        setSelect: [select],
      },
    };
    chart = new uPlot(options, drawn(), element);
    onFingers(chart.over, () => view, preview, move, reset, (event) => {
      const box = chart.over.getBoundingClientRect();
      chart.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
    });
  }

  function select(u) {
    const { left, width } = u.select;
    if (width > 4) move(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  function point(u) {
    const at = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
    if (at === null) return tell.pointed("");
    if (data.gaps.some(([from, to]) => at > from && at < to)) return tell.pointed(`${clock.full(at)}: unknown`);
    const index = u.cursor.idx;
    const value = index == null ? null : data.values[index];
    if (value === null) return tell.pointed(clock.full(at));
    const when = data.when[index];
    const broken = data.limits.find(
      (one) => (one.high !== null && value > one.high) || (one.low !== null && value < one.low),
    );
    const beyond = broken ? `, ${broken.high !== null && value > broken.high ? "above" : "below"} the limit of ${broken.rule}` : "";
    const raw = said(data, when, value);
    const corrected = raw === value ? "" : `, the sensor said ${minus(raw)}`;
    const other = data.before.find((one) => when < one.until);
    const whose = other ? `, of ${other.device}` : "";
    const flaws = data.marks.filter((one) => one.at === when).map((one) => `, ${one.text || tell.words(one.kind)}`);
    tell.pointed(`${clock.full(when, true)} ${clock.sign(when)}: ${minus(value)} ${unit}${corrected}${beyond}${whose}${flaws.join("")}`);
  }

  function show(fresh) {
    data = fresh;
    clock = makeClock(data.clock);
    if (chart) chart.setData(drawn());
    else make();
  }

  async function ask() {
    clearTimeout(settle);
    asking?.abort();
    asking = new AbortController();
    asked = Date.now();
    element.setAttribute("aria-busy", "true");
    const points = Math.min(MOST, Math.max(600, 2 * element.clientWidth));
    const query = new URLSearchParams({ channel, from: view.from, to: view.to, points });
    try {
      const answer = await fetch(`${address}?${query}`, { signal: asking.signal });
      const told = await answer.json();
      if (!answer.ok) return tell.failed(`${told.detail}. ${told.cure ?? ""}`);
      tell.failed("");
      show(told);
      tell.loaded(data, view, clock, zoomed());
    } catch (error) {
      if (error.name !== "AbortError") tell.failed("The readings could not be fetched. Trying again…");
      return;
    }
    element.removeAttribute("aria-busy");
  }

  // Show another time with what is there already; what is missing is asked for after.
  function preview(from, to) {
    const size = Math.min(LONGEST, Math.max(CLOSEST, to - from));
    const start = Math.max(0, Math.round(from + (to - from - size) / 2));
    view = { from: start, to: start + Math.round(size) };
    if (chart) chart.setData(drawn());
    tell.zoomed(zoomed());
  }

  function move(from, to) {
    preview(from, to);
    clearTimeout(settle);
    settle = setTimeout(ask, SETTLE);
  }

  function reset() {
    preview(base.from, base.to);
    view = base;
    tell.zoomed(false);
    ask();
  }

  function roll() {
    if (!rolling) return;
    const ahead = now() - began;
    const size = base.to - base.from;
    const was = zoomed();
    const to = Math.round(Number(element.dataset.to) + ahead);
    base = { from: to - size, to };
    if (!was) view = base;
  }

  // A new value is there at once; everything else about it is asked for, though not too often.
  function take(at, value) {
    if (!data || at <= (data.when.at(-1) ?? 0) || at > view.to + OFTEN || value === null) return;
    if (at < view.from || (!rolling && at >= base.to)) return;
    const last = data.when.at(-1);
    data.gaps = data.gaps.filter(([from]) => last === undefined || from <= last);
    if (last !== undefined && at - last > data.hold) {
      data.gaps.push([last + data.hold, at]);
      data.when.push(last + data.hold);
      data.values.push(null);
    }
    data.when.push(at);
    data.values.push(value);
    roll();
    chart.setData(drawn());
  }

  function later() {
    const live = rolling || (view.from <= now() && now() < view.to + OFTEN);
    const often = Math.max(OFTEN, (view.to - view.from) / MOST);
    if (document.hidden || !live || Date.now() - asked < often) return;
    roll();
    ask();
  }

  onKeys(element, () => view, move, reset);
  const turn = setInterval(later, 1000);
  const sizes = new ResizeObserver(() => chart?.setSize({ width: element.clientWidth, height: element.clientHeight }));
  sizes.observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener(
    "change",
    () => {
      forgetColours();
      chart?.redraw();
    },
    { signal: stop.signal },
  );
  ask();
  return {
    take,
    refresh: () => {
      roll();
      ask();
    },
    reset,
    zoom: (scale) => move(...scaled(view, scale)),
    close() {
      stop.abort();
      asking?.abort();
      clearInterval(turn);
      clearTimeout(settle);
      sizes.disconnect();
      chart?.destroy();
    },
  };
}

// What a sensor said, of a value as it counts.
export function said(data, when, value) {
  const added = data.offsets.findLast((one) => one.since <= when)?.offset ?? 0;
  return added && value !== null ? Number((value - added).toFixed(9)) : value;
}

export { length, minus };
