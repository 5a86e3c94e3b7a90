// The gateway's clock, and lengths of time in words: as `age` in look.py writes them.
let ahead = 0;

// The browser's clock may be wrong; what we show is measured on the gateway's.
export function setNow(now) {
  ahead = now - Date.now();
}

export function now() {
  return Date.now() + ahead;
}

export function age(length) {
  const seconds = Math.max(0, Math.floor(length / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

const clocks = new Map();

export function local(moment, zone, seconds = false) {
  const key = `${zone} ${seconds}`;
  if (!clocks.has(key)) {
    const form = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone };
    if (seconds) form.second = "2-digit";
    clocks.set(key, new Intl.DateTimeFormat("en-GB", form));
  }
  return clocks.get(key).format(moment);
}
