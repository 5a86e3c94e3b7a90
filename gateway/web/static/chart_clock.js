// Times on a chart's axis, by the clocks of the place. The server tells how they go: `parts` are
// [from, offset, sign], all in ms, more than one where they change. So it does not matter where
// the browser is, and the hour that autumn has twice is there twice.
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 5, 15, 30].map((n) => n * SECOND),
  ...[1, 5, 15, 30].map((n) => n * MINUTE),
  ...[1, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 56].map((n) => n * DAY),
];
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONDAY = 4 * DAY; // 5 January 1970

export function makeClock(parts) {
  const part = (t) => parts.findLast(([from]) => from <= t) ?? parts[0];
  const there = (t) => new Date(t + part(t)[1]);
  const two = (n) => String(n).padStart(2, "0");
  const minutes = (d) => `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  const day = (d) => `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;

  function ticks(from, to, most) {
    const step = STEPS.find((one) => (to - from) / one <= most) ?? STEPS.at(-1);
    const found = [];
    parts.forEach(([start, offset], index) => {
      const begin = index ? Math.max(start, from) : from;
      const end = Math.min(parts[index + 1]?.[0] ?? Infinity, to + 1);
      const into = step >= 7 * DAY ? MONDAY : 0;
      for (let t = Math.ceil((begin + offset - into) / step) * step + into - offset; t < end; t += step)
        found.push(t);
    });
    return { step, found };
  }

  return {
    changes: parts.slice(1).map(([at, , sign]) => ({ at, sign })),
    sign: (t) => part(t)[2],
    signs: (from, to) => [...new Set([part(from)[2], ...parts.filter(([t]) => t > from && t < to).map((p) => p[2])])],
    ticks: (from, to, most) => ticks(from, to, most).found,
    label(t, from, to, most) {
      const { step } = ticks(from, to, most);
      const d = there(t);
      if (step >= DAY) return `${DAYS[d.getUTCDay()]} ${day(d)}`;
      if ((t + part(t)[1]) % DAY === 0) return `${DAYS[d.getUTCDay()]} ${day(d)}`;
      return step < MINUTE ? `${minutes(d)}:${two(d.getUTCSeconds())}` : minutes(d);
    },
    full(t, seconds = false) {
      const d = there(t);
      const tail = seconds ? `:${two(d.getUTCSeconds())}` : "";
      return `${DAYS[d.getUTCDay()]} ${day(d)} ${minutes(d)}${tail}`;
    },
  };
}

export function length(ms) {
  if (ms < 100 * SECOND) return `${Math.round(ms / SECOND)} s`;
  const minutes = Math.round(ms / MINUTE);
  if (minutes < 100) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}
