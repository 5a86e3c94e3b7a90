// What stands behind and on the line of a chart: times unknown hatched, alerts shaded, limits as
// lines with their text, flaws of readings as signs. Nothing is told by colour alone.
export const SIGNS = {
  unusable: "✕",
  clock: "◷",
  retained: "◇",
  "own clock": "◔",
  maintenance: "⚒",
  jump: "↯",
  frozen: "=",
  late: "↶",
  "low-battery": "▁",
  "weak-signal": "◌",
  "sequence-gap": "…",
};

const LANE = 20; // pixels
const colours = new Map();

export function colour(name) {
  if (!colours.has(name))
    colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return colours.get(name);
}

// Light and dark have other colours.
export function forgetColours() {
  colours.clear();
}

export function minus(text) {
  return String(text).replace("-", "\u2212");
}

export function hatch(context, ratio) {
  const size = 8 * ratio;
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour("unknown");
  pen.globalAlpha = 0.55;
  pen.lineWidth = 1.25 * ratio;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

// Where `from`..`to` lies in the plot, at least `least` pixels wide; null where it does not.
export function across(u, from, to, least) {
  const { left, width } = u.bbox;
  const begin = Math.max(u.valToPos(from, "x", true), left);
  const end = Math.min(u.valToPos(to, "x", true), left + width);
  if (end < left || begin > left + width || end < begin) return null;
  return { x: begin, width: Math.max(end - begin, least) };
}

export function say(context, text, x, y, colourName, ratio, align = "left") {
  context.font = `600 ${12 * ratio}px system-ui, "DejaVu Sans", sans-serif`;
  context.textAlign = align;
  context.lineJoin = "round";
  context.lineWidth = 3 * ratio;
  context.strokeStyle = colour("card");
  context.strokeText(text, x, y);
  context.fillStyle = colour(colourName);
  context.fillText(text, x, y);
}

// Alerts at the same time lie in lanes, the worst on top and painted last.
function lanes(data) {
  const worst = ["critical", "warning", "info"];
  const sorted = [...data.excursions].sort((a, b) => worst.indexOf(a.severity) - worst.indexOf(b.severity));
  const taken = [];
  const found = sorted.map((one) => {
    const end = one.ended ?? data.now;
    let lane = taken.findIndex((spans) => spans.every(([from, to]) => end <= from || one.began >= to));
    if (lane < 0) lane = taken.push([]) - 1;
    taken[lane].push([one.began, end]);
    return { one, lane };
  });
  return found.reverse();
}

// Where values begin to count otherwise: corrected by a calibration, or of another device.
export function turns({ offsets, before }) {
  const plus = (offset) => `${offset > 0 ? "+" : ""}${minus(offset)}`;
  return [
    ...offsets.slice(1).map(({ since, offset }) => ({ at: since, text: `calibrated: ${plus(offset)}` })),
    ...before.map(({ device, until }) => ({ at: until, text: `until here ${device}` })),
  ];
}

export function paintBehind(u, data, clock) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.textBaseline = "top";
  const pattern = hatch(ctx, ratio);
  for (const [from, to] of data.gaps) {
    const place = across(u, from, to, ratio);
    if (!place) continue;
    ctx.fillStyle = colour("unknown-soft");
    ctx.fillRect(place.x, bbox.top, place.width, bbox.height);
    ctx.fillStyle = pattern;
    ctx.fillRect(place.x, bbox.top, place.width, bbox.height);
  }
  const alerts = lanes(data)
    .map(({ one, lane }) => ({ one, lane, place: across(u, one.began, one.ended ?? data.now, 2 * ratio) }))
    .filter(({ place }) => place);
  ctx.globalAlpha = 0.75;
  for (const { one, place } of alerts) {
    ctx.fillStyle = colour(`${one.severity}-soft`);
    ctx.fillRect(place.x, bbox.top, place.width, bbox.height);
  }
  ctx.globalAlpha = 1;
  for (const { one, lane, place } of alerts) {
    ctx.fillStyle = colour(one.severity);
    ctx.fillRect(place.x, bbox.top + lane * LANE * ratio, place.width, 4 * ratio);
  }
  for (const { at, text } of [...clock.changes.map(({ at, sign }) => ({ at, text: `clocks change: ${sign}` })), ...turns(data)]) {
    const place = across(u, at, at, ratio);
    if (!place) continue;
    ctx.fillStyle = colour("faint");
    ctx.fillRect(place.x, bbox.top, ratio, bbox.height);
    const left = place.x - bbox.left > bbox.width * 0.7;
    say(ctx, text, place.x + (left ? -4 : 4) * ratio, bbox.top + bbox.height - 54 * ratio, "faint", ratio, left ? "right" : "left");
  }
  ctx.restore();
}

export function paintBefore(u, data, unit) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.textBaseline = "top";
  for (const [from, to] of data.gaps) {
    const place = across(u, from, to, 0);
    if (place && place.width > 80 * ratio)
      say(ctx, "unknown", place.x + place.width / 2, bbox.top + bbox.height - 36 * ratio, "faint", ratio, "center");
  }
  for (const { one, lane } of lanes(data)) {
    const place = across(u, one.began, one.ended ?? data.now, 0);
    if (place && place.width > 100 * ratio) {
      const y = bbox.top + (lane * LANE + 6) * ratio;
      say(ctx, `${one.severity}: ${one.rule}`, place.x + 6 * ratio, y, one.severity, ratio);
    }
  }
  for (const one of data.limits) {
    const place = across(u, one.since ?? u.scales.x.min, one.until ?? u.scales.x.max, 0);
    if (!place) continue;
    for (const [value, above] of [[one.high, true], [one.low, false]]) {
      if (value === null) continue;
      const y = u.valToPos(value, "y", true);
      ctx.strokeStyle = colour(one.severity);
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([7 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(place.x, y);
      ctx.lineTo(place.x + place.width, y);
      ctx.stroke();
      ctx.setLineDash([]);
      const text = `${one.severity} ${above ? "above" : "below"} ${minus(value)}${unit ? ` ${unit}` : ""}`;
      say(ctx, text, place.x + place.width - 6 * ratio, above ? y - 16 * ratio : y + 4 * ratio, one.severity, ratio, "right");
    }
  }
  ctx.textBaseline = "bottom";
  for (const one of data.marks) {
    const place = across(u, one.at, one.at, 0);
    if (place) say(ctx, SIGNS[one.kind], place.x, bbox.top + bbox.height - 2 * ratio, "pending", ratio, "center");
  }
  ctx.restore();
}

// The line's colour: that of the worst limit that a value is beyond.
export function lineColour(u, limits, plain) {
  const { top, height } = u.bbox;
  const gradient = u.ctx.createLinearGradient(0, top, 0, top + height);
  const worst = ["critical", "warning", "info"];
  const edges = [...new Set(limits.flatMap((one) => [one.high, one.low]).filter((one) => one !== null))];
  edges.sort((a, b) => b - a);
  const at = (value) => Math.min(1, Math.max(0, (u.valToPos(value, "y", true) - top) / height));
  let from = 0;
  for (let index = 0; index <= edges.length; index += 1) {
    const to = index < edges.length ? at(edges[index]) : 1;
    const upper = edges[index - 1] ?? Infinity;
    const lower = edges[index] ?? -Infinity;
    const broken = limits.filter(
      (one) => (one.high !== null && lower >= one.high) || (one.low !== null && upper <= one.low),
    );
    const name = worst.find((severity) => broken.some((one) => one.severity === severity)) ?? plain;
    gradient.addColorStop(from, colour(name));
    gradient.addColorStop(to, colour(name));
    from = to;
  }
  return gradient;
}
