// The map. What it shows stands in the list beside it, as text: it is drawn from there.
/* global L, htmx */
import { age, local, now } from "./ages.js";
import { addWorld, colour } from "./map_world.js";

const WORST = ["critical", "warning", "info", "pending", "unknown", "ok"];
const NEAR = { x: 90, y: 36 }; // pixels: devices that lie nearer are one mark with their number
const EDGE = 20; // pixels that a popup keeps from the map's edge
const LISTED = 12; // devices that the popup of one mark names
const CLOSE = 9; // zoom at which one device is looked at
const LINES = { ok: "", info: "", warning: "12 6", critical: "4 6", unknown: "1 8" };
const SVG = "http://www.w3.org/2000/svg";

const ground = document.querySelector("#map");
const icons = ground.dataset.icons;
const map = L.map(ground, { fadeAnimation: false, worldCopyJump: true, zoomSnap: 0.5, minZoom: 1, maxZoom: 18 });
map.attributionControl.setPrefix(false);
L.control.scale({ imperial: false }).addTo(map);
const marks = L.layerGroup().addTo(map);
const track = L.layerGroup().addTo(map);
const popup = L.popup({ maxWidth: 300, maxHeight: 320, offset: [0, -14], autoPan: false });
const pen = L.canvas({ padding: 0.5, tolerance: 8 });
const marked = new Map(); // by what they show
let devices = [];
let way = null; // { key, length }
let waiting = 0;
let fitted = false;
let opened = []; // the devices whose popup is open
let from = null; // the button in the list that opened it
let received = null; // when the newest reading of all was

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function shape(state) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${icons}#${state}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function stateOf(state) {
  const made = element("span", "", `state ${state}`);
  made.append(shape(state), state);
  return made;
}

function read() {
  devices = [...document.querySelectorAll("#list [data-key]")].map(({ dataset }) => ({
    ...dataset,
    at: Number(dataset.at),
    place: L.latLng(Number(dataset.latitude), Number(dataset.longitude)),
  }));
}

// Devices that lie on one another at this zoom, the worst first.
function groups() {
  const found = [];
  const seen = map.getBounds().pad(0.3);
  for (const one of devices) {
    if (!seen.contains(one.place)) continue;
    const point = map.latLngToLayerPoint(one.place);
    const near = found.find((group) => {
      const apart = group.point.subtract(point);
      return Math.abs(apart.x) < NEAR.x && Math.abs(apart.y) < NEAR.y;
    });
    if (near) near.all.push(one);
    else found.push({ point, all: [one] });
  }
  for (const group of found) group.all.sort((a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state));
  return found;
}

function mark({ all }) {
  const [first] = all;
  const body = element("span");
  const said = first.state === "ok" ? "" : `${first.state} `;
  body.append(shape(first.state), element("b", said + (all.length > 1 ? `(${all.length})` : first.value)));
  const bad = all.filter((one) => one.state === first.state).length;
  const words =
    all.length > 1 ? `${all.length} devices, ${bad} ${first.state}` : `${first.name}: ${first.state}, ${first.value}`;
  const icon = L.divIcon({ html: body, className: `spot ${first.state}`, iconSize: null });
  const made = L.marker(first.place, { icon, zIndexOffset: 1000 * (WORST.length - WORST.indexOf(first.state)) });
  made.on("add", () => {
    const spot = made.getElement();
    spot.setAttribute("aria-label", words);
    spot.title = words;
  });
  const open = () => {
    from = null;
    openPopup(all.map((one) => devices.find(({ key }) => key === one.key) ?? one));
  };
  made.on("click", open);
  made.on("keydown", ({ originalEvent: event }) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  });
  return made;
}

// What has not changed stays as it is, under whoever stands on it with the keyboard.
function draw() {
  const focused = document.activeElement?.closest?.(".spot")?.getAttribute("aria-label");
  const wanted = new Map(groups().map((group) => [signature(group), group]));
  for (const [name, made] of marked) {
    if (wanted.has(name)) continue;
    marks.removeLayer(made);
    marked.delete(name);
  }
  for (const [name, group] of wanted) {
    if (marked.has(name)) continue;
    const made = mark(group);
    marked.set(name, made);
    made.addTo(marks);
    if (focused && made.getElement().getAttribute("aria-label") === focused) made.getElement().focus();
  }
}

function signature({ all }) {
  const [{ place, value }] = all;
  return JSON.stringify([place.lat, place.lng, value, all.map(({ key, state, name }) => [key, state, name])]);
}

function about(one) {
  const box = element("div", "", "about");
  const link = element("a", one.name);
  link.href = one.link;
  const age_ = one.at ? `${age(now() - one.at)} ago` : "not heard";
  const head = element("p");
  head.append(stateOf(one.state), " ", link);
  box.append(head, element("p", `${one.measured}: ${one.value}, ${age_}`));
  if (one.alert) box.append(element("p", one.holder ? `${one.holder} has it` : "nobody has it yet"));
  return box;
}

function openPopup(all) {
  const box = element("div", "", "popup");
  for (const one of all.slice(0, LISTED)) box.append(about(one));
  if (all.length > LISTED) box.append(element("p", `and ${all.length - LISTED} more`));
  if (all.length > 1 && all.some((one) => !one.place.equals(all[0].place))) box.append(closer(all));
  if (all.length === 1 && all[0].moves) box.append(ways(all[0]));
  popup.setLatLng(all[0].place).setContent(box).openOn(map);
  opened = all;
  keepInView();
  box.querySelector("a").focus({ preventScroll: true });
}

// At once: buttons that still glide are missed by whoever is quick, and the click would close the popup.
function keepInView() {
  const view = ground.getBoundingClientRect();
  const box = popup.getElement().getBoundingClientRect();
  const inside = (low, high, from_, to) => Math.min(low - from_ - EDGE, 0) || Math.max(high - to + EDGE, 0);
  const aside = [inside(box.left, box.right, view.left, view.right), inside(box.top, box.bottom, view.top, view.bottom)];
  if (aside.some(Boolean)) map.panBy(aside, { animate: false });
}

function closer(all) {
  const button = element("button", "Zoom in");
  button.type = "button";
  button.addEventListener("click", () => {
    map.closePopup();
    map.fitBounds(L.latLngBounds(all.map((one) => one.place)).pad(0.3), { maxZoom: 16 });
  });
  return button;
}

// What an open popup says is kept true; whoever stands on it with the keyboard stays there.
function refreshPopup() {
  const lines = popup.isOpen() ? popup.getContent().querySelectorAll(".about") : [];
  lines.forEach((line, i) => {
    const one = devices.find(({ key }) => key === opened[i].key);
    if (!one) return;
    if (i === 0) popup.setLatLng(one.place);
    const focused = line.contains(document.activeElement);
    const fresh = about(one);
    line.replaceWith(fresh);
    if (focused) fresh.querySelector("a").focus({ preventScroll: true });
  });
}

function ways(one) {
  const box = element("div", "", "ways");
  for (const [length, text] of [["day", "Way of 24 h"], ["week", "Way of 7 days"], ["", "No way"]]) {
    const button = element("button", text);
    button.type = "button";
    const on = length === (way?.key === one.key ? way.length : "");
    button.setAttribute("aria-pressed", String(on));
    button.addEventListener("click", () => {
      way = length ? { key: one.key, length } : null;
      map.closePopup();
      ground.focus({ preventScroll: true });
      drawWay(true);
    });
    box.append(button);
  }
  return box;
}

const problem = document.querySelector("[data-problem]");
function failed(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

async function drawWay(fit) {
  const told = document.querySelector("[data-way]");
  const one = devices.find(({ key }) => key === way?.key);
  if (!one) {
    track.clearLayers();
    told.textContent = "";
    return;
  }
  const asked = way;
  let found;
  try {
    const answer = await fetch(`${one.track}?length=${way.length}`);
    found = await answer.json();
    if (!answer.ok) return failed(`${found.detail}. ${found.cure ?? ""}`);
    failed("");
  } catch {
    return failed("The way could not be fetched.");
  }
  if (asked !== way) return;
  track.clearLayers();
  const zone = document.querySelector("[data-clock]").dataset.zone;
  const time = (at) => `${new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: zone }).format(at)} ${local(at, zone)}`;
  let metres = 0;
  for (const { state, start, end, points } of found.stretches) {
    points.forEach((point, i) => i && (metres += map.distance(points[i - 1], point)));
    const words = element("span", `${state === "unknown" ? "not heard" : state}: ${time(start)} to ${time(end)}`);
    L.polyline(points, { color: colour("card"), weight: 8, opacity: 0.8, interactive: false, renderer: pen }).addTo(track);
    const lineCap = state === "unknown" ? "round" : "butt";
    L.polyline(points, { color: colour(state), weight: state === "ok" ? 3 : 5, dashArray: LINES[state], lineCap, renderer: pen })
      .bindTooltip(words, { sticky: true })
      .addTo(track);
  }
  const wrong = found.stretches.filter(({ state }) => state !== "ok").map(({ state, start, end }) => `${state === "unknown" ? "not heard" : state} ${time(start)} to ${time(end)}`);
  const span = way.length === "day" ? "the last 24 hours" : "the last 7 days";
  told.textContent = found.positions
    ? `Way of ${one.name} in ${span}: ${found.positions.toLocaleString("en")} positions, ${Math.round(metres / 1000).toLocaleString("en")} km${wrong.length ? `; ${wrong.slice(0, 6).join("; ")}` : "; all well"}.`
    : `${one.name} sent no position in ${span}.`;
  const all = found.stretches.flatMap(({ points }) => points);
  if (fit && all.length > 1) map.fitBounds(L.latLngBounds(all).pad(0.1), { maxZoom: 14 });
}

function show(key) {
  const one = devices.find((other) => other.key === key);
  map.setView(one.place, Math.max(map.getZoom(), CLOSE), { animate: false });
  openPopup([one]);
  ground.scrollIntoView({ block: "nearest" });
}

function fit() {
  if (fitted || !devices.length) return;
  fitted = true;
  map.fitBounds(L.latLngBounds(devices.map((one) => one.place)).pad(0.15), { maxZoom: 7, animate: false });
}

function soon() {
  // A long list says that it is fetched less often.
  if (!waiting) waiting = setTimeout(again, Number(document.querySelector("#list").dataset.again));
}

function again() {
  waiting = 0;
  if (!document.hidden) htmx.trigger(document.querySelector("#list"), "again");
}

function changed() {
  read();
  fit();
  draw();
  refreshPopup();
  if (way) drawWay(false);
}

map.setView([30, 10], 2, { animate: false });
read();
fit();
map.on("zoomend moveend", draw);
draw();
addWorld(map, ground).catch((error) => failed(`The outlines could not be drawn: ${error.message}.`));
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show]");
  if (!button) return;
  from = button.id;
  show(button.closest("[data-key]").dataset.key);
});
ground.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !popup.isOpen()) return;
  map.closePopup();
  (document.getElementById(from) ?? ground).focus({ preventScroll: true });
});
document.body.addEventListener("htmx:afterSettle", (event) => event.detail.elt.id === "list" && changed());
for (const name of ["live:alerts", "live:back"]) document.body.addEventListener(name, soon);
document.body.addEventListener("live:beat", ({ detail }) => {
  if (detail.received !== received) soon();
  received = detail.received;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawWay(false));
new ResizeObserver(() => map.invalidateSize()).observe(ground);
