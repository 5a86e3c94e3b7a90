// A wall screen: rows that take turns where they do not all fit, sound, and a screen that stays on.
import { local, now } from "./ages.js";
import { Rows } from "./rows.js";
import { again, running, sound, test } from "./siren.js";

const TURN = 12000; // ms that a page of rows is shown
const RELOAD = 24 * 3600 * 1000; // ms: what leaks in a browser that runs for years is let go
const SOON = 5000; // ms after which it is loaded again where not all rows came
const body = document.body;
const list = document.querySelector("[data-rows]");
const rows = new Rows(list);
const zone = document.querySelector("[data-clock]").dataset.zone;

// -- pages --

let page = 0;
let pages = [[]];
let grave = null; // a row that is new and grave: its page is shown at once
let turning = 0;

function divide() {
  const room = list.clientHeight;
  for (const line of rows.order) line.item.classList.remove("off");
  pages = [[]];
  let used = 0;
  for (const line of rows.order) {
    const height = line.item.offsetHeight + 10;
    if (used && used + height > room && getComputedStyle(list).overflow === "hidden") {
      pages.push([]);
      used = 0;
    }
    pages.at(-1).push(line);
    used += height;
  }
  if (page >= pages.length) page = 0;
  if (grave) {
    page = Math.max(0, pages.findIndex((lines) => lines.includes(grave)));
    grave = null;
    turn();
  }
  show();
}

function show() {
  const shown = new Set(pages[page]);
  for (const line of rows.order) line.item.classList.toggle("off", !shown.has(line));
  const turn = document.querySelector("[data-turn]");
  turn.hidden = pages.length < 2;
  turn.textContent = `Page ${page + 1} of ${pages.length}`;
}

// From now on: what has just come to be seen is seen for a whole turn.
function turn() {
  clearInterval(turning);
  turning = setInterval(() => {
    page = (page + 1) % pages.length;
    if (pages.length > 1) show();
  }, TURN);
}

turn();
addEventListener("resize", divide);

// -- what the stream tells --

rows.onFrame = (line, before) => {
  // What is only fetched, with the page, is not new.
  if (line.state === "critical" && before?.state !== "critical" && !rows.early) grave ??= line;
};
rows.onChange = () => {
  divide();
  document.querySelector("[data-well]").hidden = rows.order.length > 0;
};

body.addEventListener("live:rows", ({ detail }) => {
  rows.take(detail);
  let all = 0;
  for (const chip of document.querySelectorAll("[data-only]")) {
    const many = detail.states[chip.dataset.only] ?? 0;
    all += many;
    chip.hidden = !many;
    chip.querySelector("b").textContent = many;
  }
  if (all) document.querySelector("[data-words]").textContent = "All is well";
});
body.addEventListener("live:alerts", ({ detail }) => sound(detail.sounding > 0));

// -- sound --

const silent = document.querySelector("[data-silent]");
const told = document.querySelector("[data-sound]");

async function tryOut() {
  const result = await test();
  silent.hidden = result === "on";
  const at = local(now(), zone);
  told.textContent = result === "on" ? `Sound: tested at ${at}` : `Sound: off at ${at}, ${result}`;
  told.dataset.sound = result === "on" ? "on" : "off";
  if (result === "on") again();
}

// The first tap anywhere, or key, is what the browser waits for.
for (const kind of ["pointerdown", "keydown"]) {
  addEventListener(kind, () => running() || tryOut());
}
tryOut().then(() => sound(Number(list.dataset.sounding) > 0));
setInterval(() => running() || (silent.hidden && tryOut()), 5000);

// -- the screen --

async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Not allowed, as on a low battery: the machine's own settings decide then.
  }
}
stayAwake();
document.addEventListener("visibilitychange", () => document.hidden || stayAwake());

// Loaded again only when somebody has just answered: a browser's own page about an error stays.
let due = Date.now() + RELOAD;
body.addEventListener("live:beat", () => {
  const away = document.documentElement.classList.contains("stale");
  if (!away && Date.now() >= due) location.reload();
});
if (rows.order.length >= 100) rows.fetch("wall").catch(() => (due = Date.now() + SOON));
divide();
