// The board: rows that move, filters, keys, and taking an alert by one tap.
import { Rows } from "./rows.js";

const body = document.body;
const list = document.querySelector("[data-rows]");
const announce = document.querySelector("[data-announce]");
const search = document.querySelector("[data-search]");
const sites = document.querySelector("[data-sites]");
const chips = [...document.querySelectorAll("[data-only]")];
const rows = new Rows(list);
const GRAVE = new Set(["critical", "warning"]);
const FEW = 1000; // rows that are laid out at once
const heard = new Set(); // rows whose alert was told to screen readers

let only = "";
let fetched = rows.order.length < 100;

for (const line of rows.order) if (GRAVE.has(line.state)) heard.add(line.number);

// -- filters --

function text(line) {
  line.text ??= line.item.querySelector(".what").textContent.toLowerCase();
  return line.text;
}

function fits(line) {
  return (
    (!only || line.state === only) &&
    (!sites.value || line.item.dataset.site === sites.value) &&
    (!search.value || text(line).includes(search.value.trim().toLowerCase()))
  );
}

function filter() {
  const filtered = only || sites.value || search.value.trim();
  let shown = 0;
  for (const line of rows.order) {
    const fit = !filtered || fits(line);
    if (line.item.hidden === fit) line.item.hidden = !fit;
    shown += fit;
  }
  for (const group of list.children) {
    group.hidden = Boolean(filtered) && !group.querySelector("li:not([hidden])");
  }
  // What the browser remembers of a group's height is of all its rows.
  const few = Boolean(filtered) && shown < FEW;
  list.classList.toggle("filtered", few);
  if (few) for (const group of list.children) group.far = false;
  document.querySelector("[data-none]").hidden = shown > 0 || rows.order.length === 0;
  for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.only === only));
}

function know(site) {
  if (!site || [...sites.options].some((one) => one.value === site)) return;
  const option = document.createElement("option");
  option.textContent = option.value = site;
  const after = [...sites.options].slice(1).find((one) => one.value > site);
  sites.insertBefore(option, after ?? null);
  sites.hidden = sites.options.length < 3;
}

rows.onFrame = (line, before) => {
  know(line.item.dataset.site);
  if (!before && !fetched) return;
  if (!GRAVE.has(line.state)) {
    heard.delete(line.number);
  } else if (!heard.has(line.number)) {
    heard.add(line.number);
    const name = line.item.querySelector(".what a").textContent;
    const bad = line.item.querySelector("[data-beyond]")?.textContent ?? "";
    announce.textContent = `${line.state}: ${name}, ${bad}`;
    line.item.classList.add("fresh");
  }
};
rows.onChange = filter;
search.addEventListener("input", filter);
sites.addEventListener("change", filter);
for (const chip of chips) {
  chip.addEventListener("click", () => {
    only = only === chip.dataset.only ? "" : chip.dataset.only;
    filter();
  });
}
document.querySelector("[data-all]").addEventListener("click", () => {
  only = search.value = sites.value = "";
  filter();
  search.focus();
});

// -- what the stream tells --

function count(states) {
  let all = 0;
  for (const chip of chips) {
    const many = states[chip.dataset.only] ?? 0;
    all += many;
    chip.hidden = !many && chip.dataset.only !== only;
    chip.querySelector("b").textContent = many;
  }
  document.querySelector("[data-first]").hidden = all > 0;
  document.querySelector("[data-bar]").hidden = all === 0;
  document.querySelector("[data-well]").hidden = all === 0 || (states.ok ?? 0) !== all;
}

body.addEventListener("live:rows", ({ detail }) => {
  rows.take(detail);
  count(detail.states);
});

// -- one tap --

async function have(button) {
  button.disabled = true;
  const answer = await fetch(`/rows/${button.dataset.have}/have`, {
    method: "POST",
    headers: { "X-CSRF-Token": body.dataset.csrf, Accept: "application/json" },
  }).catch(() => null);
  if (answer?.ok) {
    rows.moved = 0; // it may move now: this is what the finger was for
    button.textContent = "Yours";
    return;
  }
  button.disabled = false;
  const told = answer ? await answer.json().catch(() => null) : null;
  const why = told ? `${told.detail}. ${told.cure ?? ""}` : "The gateway does not answer. Try again.";
  body.dispatchEvent(new CustomEvent("say", { detail: why }));
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-have]");
  if (button) have(button);
});

// -- keys --

function step(by) {
  const shown = rows.order.filter((line) => !line.item.hidden);
  const here = shown.findIndex((line) => line.item.contains(document.activeElement));
  const next = shown[Math.min(shown.length - 1, Math.max(0, here + by))];
  next?.item.focus();
  next?.item.scrollIntoView({ block: "nearest" });
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input, select, textarea");
  if (typing) {
    if (event.key === "Escape") {
      search.value = "";
      filter();
      typing.blur();
    }
    return;
  }
  const inRow = event.target.closest?.("li.row");
  if (event.key === "/") search.focus();
  else if (event.key === "j" || (event.key === "ArrowDown" && inRow)) step(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && inRow)) step(-1);
  else if (event.key === "Enter" && event.target === inRow) inRow.querySelector(".what a").click();
  else return;
  event.preventDefault();
});

if (!fetched) {
  rows
    .fetch("board")
    .catch(() => setTimeout(() => location.reload(), 5000))
    .then(() => {
      for (const line of rows.order) if (GRAVE.has(line.state)) heard.add(line.number);
      fetched = true;
      filter();
    });
}
filter();
