// Rows, worst first, kept up to date by the stream. They lie in groups, each a list, which the
// browser lays out when they are scrolled to; only what is laid out is written at once.
import { age, now } from "./ages.js";

const HOLD = 1500; // ms: rows do not move under a finger or pointer that has just moved.
const GROUP = 25; // rows of a group: one twice as large is divided
const LONGEST = 6000; // ms that rows may be held for.
const make = document.createElement("template");

export class Rows {
  constructor(list) {
    this.list = list;
    this.lines = new Map(); // by number
    this.order = []; // as they are shown
    this.waiting = new Map(); // by number: frames that wait for the pointer to rest
    this.early = null; // by number, while rows are fetched: patches of those not yet here
    this.held = 0;
    this.moved = 0;
    this.onChange = () => {};
    this.onFrame = () => {};
    for (const item of list.querySelectorAll("li.row")) this.order.push(this.adopt(item));
    list.addEventListener("contentvisibilityautostatechange", (event) => this.seen(event), true);
    for (const kind of ["pointermove", "pointerdown", "touchmove"]) {
      list.addEventListener(kind, () => (this.moved = Date.now()), { passive: true });
    }
    setInterval(() => this.everySecond(), 1000);
    this.everySecond();
  }

  adopt(item) {
    const data = item.dataset;
    const line = {
      item,
      number: Number(data.number),
      sign: data.sign,
      at: data.at ? Number(data.at) : null,
      hold: Number(data.hold),
      state: data.state,
      patch: null,
      ago: item.querySelector("[data-ago]"),
      since: item.querySelector("[data-since]"),
    };
    this.lines.set(line.number, line);
    item.line = line;
    return line;
  }

  seen(event) {
    const group = event.target;
    group.far = event.skipped;
    if (group.far) return;
    for (const item of group.children) this.write(item.line);
  }

  // -- what the stream tells --

  take(told) {
    for (const patch of told.patches) this.patch(patch);
    if (told.frames.length || told.gone.length) {
      for (const [number, sign, html] of told.frames) this.wait(number, { sign, html });
      for (const number of told.gone) this.wait(number, { sign: null, html: null });
      this.place();
    }
  }

  // What was told of the row before is in the frame; `patch` is what is told of it from now on.
  wait(number, frame, patch = null) {
    this.waiting.set(number, { ...frame, patch });
    this.early?.delete(number);
  }

  patch(told) {
    const [number, at] = told;
    const waits = this.waiting.get(number);
    if (waits) waits.patch = join(waits.patch, told);
    const line = this.lines.get(number);
    if (!line) {
      if (!waits) this.early?.set(number, join(this.early.get(number), told));
      return;
    }
    line.at = at;
    line.patch = join(line.patch, told);
    if (isNear(line)) this.write(line);
  }

  write(line) {
    const { item, patch } = line;
    if (patch) {
      line.patch = null;
      if ("value" in patch) set(item.querySelector("[data-value]"), patch.value);
      if ("beyond" in patch) set(item.querySelector("[data-beyond]"), patch.beyond);
      if ("trend" in patch) draw(item, patch.trend);
    }
    this.tick(line, now());
  }

  tick(line, time) {
    if (line.ago && line.at !== null) {
      set(line.ago, age(time - line.at));
      line.ago.parentElement.classList.toggle("old", line.hold > 0 && time - line.at > line.hold);
    }
    if (line.since) set(line.since, age(time - Number(line.since.dataset.since)));
  }

  everySecond() {
    const time = now();
    for (const line of this.order) if (isNear(line)) this.tick(line, time);
    if (this.waiting.size) this.place();
  }

  // -- order --

  place() {
    const time = Date.now();
    const resting = time - this.moved > HOLD && !document.querySelector("dialog[open]");
    this.held ||= time;
    if (!resting && time - this.held < LONGEST && this.order.length) {
      setTimeout(() => this.waiting.size && this.place(), HOLD);
      return;
    }
    this.held = 0;
    const frames = this.waiting;
    this.waiting = new Map();
    const focused = document.activeElement?.closest?.("li.row");
    const fresh = [];
    for (const [number, { sign, html, patch }] of frames) {
      const before = this.lines.get(number);
      if (html === null) {
        if (before) this.drop(before);
        continue;
      }
      make.innerHTML = html; // written and escaped by our own template
      const item = make.content.firstElementChild;
      const line = this.adopt(item);
      if (patch && patch.at >= line.at) {
        // Told after the frame was made: it is newer.
        line.at = patch.at;
        line.patch = patch;
      }
      this.write(line);
      if (before) {
        this.order.splice(this.order.indexOf(before), 1);
        if (before.sign === sign) {
          before.item.replaceWith(item);
          this.insert(line, false);
        } else {
          this.remove(before);
          this.insert(line, true);
        }
      } else {
        fresh.push(line);
      }
      this.onFrame(line, before);
      if (focused && before?.item === focused) item.focus({ preventScroll: true });
    }
    if (fresh.length > 20) this.merge(fresh);
    else for (const line of fresh) this.insert(line, true);
    this.onChange();
  }

  drop(line) {
    this.lines.delete(line.number);
    this.order.splice(this.order.indexOf(line), 1);
    this.remove(line);
  }

  remove({ item }) {
    const group = item.parentNode;
    item.remove();
    if (!group.children.length) group.remove();
  }

  insert(line, attach) {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.order[middle].sign < line.sign) low = middle + 1;
      else high = middle;
    }
    if (attach) this.attach(line.item, this.order[low - 1]?.item, this.order[low]?.item);
    this.order.splice(low, 0, line);
  }

  attach(item, before, after) {
    // In the group of the row above it, so that what is worst stays together.
    if (before) before.after(item);
    else if (after) after.before(item);
    else this.list.append(group([item]));
    const home = item.parentNode;
    if (home.children.length < 2 * GROUP) return;
    home.after(group([...home.children].slice(GROUP)));
  }

  // Many at once: those that come last, which they mostly do, are put there in one piece.
  merge(fresh) {
    fresh.sort((a, b) => (a.sign < b.sign ? -1 : 1));
    const last = this.order.at(-1)?.sign ?? "";
    const behind = fresh.filter((line) => line.sign >= last);
    for (const line of fresh) if (line.sign < last) this.insert(line, true);
    for (let first = 0; first < behind.length; first += GROUP) {
      this.list.append(group(behind.slice(first, first + GROUP).map((line) => line.item)));
    }
    this.order.push(...behind);
  }

  // The rows that did not come with the page.
  async fetch(view) {
    let after = 0;
    this.early = new Map();
    while (after !== null) {
      const answer = await fetch(`/rows?view=${view}&after=${after}`);
      if (!answer.ok) throw new Error(`rows: ${answer.status}`);
      const told = await answer.json();
      for (const [number, sign, html] of told.frames) {
        // What the stream has told of whole is newer.
        if (this.lines.has(number) || this.waiting.has(number)) continue;
        this.wait(number, { sign, html }, this.early.get(number));
      }
      this.moved = 0;
      this.place();
      after = told.next;
    }
    this.early = null;
  }
}

function group(items) {
  const made = document.createElement("ol");
  made.className = "group";
  made.append(...items);
  return made;
}

// Patches of one row, one after the other: what the newer does not tell stands.
function join(patch, [, at, value, beyond, trend]) {
  const joined = patch ?? {};
  joined.at = at;
  if (value != null) joined.value = value;
  if (beyond != null) joined.beyond = beyond;
  if (trend != null) joined.trend = trend;
  return joined;
}

function isNear(line) {
  return !line.item.parentNode?.far;
}

function set(place, text) {
  if (place && place.textContent !== text) place.textContent = text;
}

function draw(item, [points, word, ...limits]) {
  const line = item.querySelector(".line");
  if (!line) return;
  line.querySelector("polyline").setAttribute("points", points);
  const drawn = line.querySelectorAll("line");
  drawn.forEach((one, place) => {
    const y = limits[place];
    one.setAttribute("visibility", y === undefined ? "hidden" : "visible");
    if (y !== undefined) {
      one.setAttribute("y1", y);
      one.setAttribute("y2", y);
    }
  });
  const arrow = item.querySelector("[data-trend]");
  if (arrow) {
    arrow.className = `arrow ${word}`;
    set(arrow, word);
  }
}
