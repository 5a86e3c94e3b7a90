// How people move in a chart: mouse, fingers, keys. `move` takes new ends in ms, `reset` shows all.
const KEYS = {
  ArrowLeft: { shift: -0.25 },
  ArrowRight: { shift: 0.25 },
  PageUp: { shift: -1 },
  PageDown: { shift: 1 },
  "+": { scale: 0.5 },
  "=": { scale: 0.5 },
  "-": { scale: 2 },
};

export function scaled({ from, to }, scale, share = 0.5) {
  const middle = from + (to - from) * share;
  return [middle - (to - from) * scale * share, middle + (to - from) * scale * (1 - share)];
}

export function onKeys(element, view, move, reset) {
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { from, to } = view();
    const key = KEYS[event.key];
    if (event.key === "Escape") reset();
    else if (key?.shift) move(from + (to - from) * key.shift, to + (to - from) * key.shift);
    else if (key?.scale) move(...scaled(view(), key.scale));
    else return;
    event.preventDefault();
  });
}

// One finger sideways moves, two zoom, a second tap shows all; up and down scrolls the page.
export function onFingers(over, view, preview, move, reset, point) {
  const fingers = new Map();
  let start = null;
  let lastTap = 0;
  const ends = () => {
    const xs = [...fingers.values()].map((one) => one.x);
    return [Math.min(...xs), Math.max(...xs)];
  };
  const begin = (moved = false) => {
    start = { ...view(), ends: ends(), moved };
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse") return;
    fingers.set(event.pointerId, { x: event.clientX });
    begin();
    point(event);
  });
  over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId) || !start) return;
    fingers.set(event.pointerId, { x: event.clientX });
    const size = over.clientWidth;
    const left = over.getBoundingClientRect().left;
    const perPixel = (start.to - start.from) / size;
    const [low, high] = ends();
    if (Math.abs(low - start.ends[0]) + Math.abs(high - start.ends[1]) < 12 && !start.moved) return;
    start.moved = true;
    if (fingers.size === 1) {
      const shift = (start.ends[0] - low) * perPixel;
      preview(start.from + shift, start.to + shift);
    } else {
      // What lay under each finger stays under it.
      const a = start.from + (start.ends[0] - left) * perPixel;
      const b = start.from + (start.ends[1] - left) * perPixel;
      const fresh = (b - a) / Math.max(20, high - low);
      const from = a - (low - left) * fresh;
      preview(from, from + fresh * size);
    }
  });
  const lift = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (fingers.size) return begin(start?.moved);
    if (start?.moved) {
      const { from, to } = view();
      move(from, to);
      lastTap = 0;
    } else if (event.type === "pointerup" && event.timeStamp - lastTap < 350) reset();
    else lastTap = event.timeStamp;
    start = null;
  };
  over.addEventListener("pointerup", lift);
  over.addEventListener("pointercancel", lift);
}
