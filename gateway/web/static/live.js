// One stream of events for the page, told on as events of document.body (live:rows, live:alerts,
// live:beat, live:lost, live:back, live:ended); and it says so when what is shown is old.
import { age, local, now, setNow } from "./ages.js";

const body = document.body;
const root = document.documentElement;
const banner = document.querySelector("[data-lost]");
const toast = document.querySelector("[data-toast]");
const clock = document.querySelector("[data-clock]");
const zone = clock?.dataset.zone ?? "UTC";
const wall = root.classList.contains("wall") || "wall" in body.dataset;

const SILENT = 8000; // ms without a beat: the connection is lost. One comes every 2 s.
const HIDDEN = 60000; // ms after which a tab that nobody sees lets go of its connection.
const AGAIN = 3000; // ms until a stream that was refused is tried again.

let source = null;
let place = ""; // up to where in the stream all was taken in
let heard = Date.now();
let told = null; // when the gateway last spoke, on its clock
let away = null; // what is wrong: "page", "gateway", "ended"
let hiding = 0;
let retry = 0;

if (clock) setNow(Number(clock.dataset.now));

function tell(name, detail) {
  body.dispatchEvent(new CustomEvent(`live:${name}`, { detail, bubbles: true }));
}

function address() {
  const url = new URL(body.dataset.events, location.href);
  if (place) url.searchParams.set("after", place);
  return url;
}

function open() {
  clearTimeout(retry);
  source?.close();
  source = new EventSource(address());
  const on = (name, take) =>
    source.addEventListener(name, (event) => {
      if (event.lastEventId) place = event.lastEventId;
      take(event.data ? JSON.parse(event.data) : null);
    });
  on("rows", (detail) => tell("rows", detail));
  on("alerts", (detail) => {
    count(detail);
    tell("alerts", detail);
  });
  on("beat", beat);
  on("reload", () => location.reload());
  on("ended", ended);
  source.onerror = refused;
}

// The browser tries again by itself, except where it was told an error.
async function refused() {
  if (source.readyState !== EventSource.CLOSED || away === "ended") return;
  clearTimeout(retry);
  retry = setTimeout(open, AGAIN);
  const stop = new AbortController();
  try {
    const answer = await fetch(address(), {
      headers: { Accept: "text/event-stream" },
      signal: stop.signal,
    });
    if (answer.status === 401) ended();
  } catch {
    // Nobody answers: the banner says so, and we try again.
  } finally {
    stop.abort();
  }
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

function count({ open: alerts }) {
  for (const mark of document.querySelectorAll("[data-count]")) {
    mark.textContent = alerts > 99 ? "99+" : String(alerts);
    mark.hidden = !alerts;
  }
}

function beat(detail) {
  heard = Date.now();
  setNow(detail.now);
  if (detail.told !== null) told = detail.told;
  const silent = detail.told === null || detail.now - detail.told > SILENT;
  stand(silent ? "gateway" : null);
  tell("beat", detail);
}

function ended() {
  close();
  stand("ended");
  tell("ended", null);
}

// Say how it stands; loudly, where what is shown may be old.
function stand(problem) {
  const before = away;
  if (problem !== before) {
    away = problem;
    root.classList.toggle("stale", problem !== null);
    if (banner) {
      banner.hidden = problem === null;
      banner.replaceChildren(...words(problem));
    }
    if (problem !== null) tell("lost", problem);
    else tell("back", before);
  }
  if (problem !== null && problem !== "ended" && banner) {
    const since = problem === "page" ? now() - (Date.now() - heard) : told;
    const length = banner.querySelector("[data-since]");
    if (length && since !== null) length.textContent = `${age(now() - since)} old.`;
  }
}

function words(problem) {
  if (problem === null) return [];
  const line = document.createElement("span");
  const length = document.createElement("span");
  length.dataset.since = "";
  if (problem === "ended") {
    const link = document.createElement("a");
    link.href = `/login?to=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "Log in again";
    line.textContent = "You are logged out: what you see is no longer kept up to date. ";
    return [line, link];
  }
  if (problem === "page") {
    const since = local(now() - (Date.now() - heard), zone, true);
    line.textContent = `Connection lost at ${since}: what you see is `;
  } else {
    const since = told === null ? "" : ` since ${local(told, zone, true)}`;
    line.textContent = `The gateway does not answer${since}: what you see is `;
  }
  length.textContent = "old.";
  return [line, length];
}

export function say(text) {
  if (!toast) return;
  toast.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (toast.textContent = ""), 8000);
}

function everySecond() {
  const time = now();
  if (clock) clock.textContent = local(time, zone);
  for (const one of document.querySelectorAll("time[data-age]")) {
    const text = age(time - Number(one.dataset.age));
    if (one.textContent !== text) one.textContent = text;
  }
  if (source && away !== "ended") {
    if (Date.now() - heard > SILENT) stand("page");
    else if (away === "gateway") stand("gateway");
  }
}

function visible() {
  clearTimeout(hiding);
  if (document.hidden && !wall) {
    hiding = setTimeout(close, HIDDEN);
  } else if (!document.hidden && !source && away !== "ended") {
    // What was closed on purpose was not lost.
    heard = Date.now();
    open();
  }
}

if (body.dataset.events) {
  open();
  setInterval(everySecond, 1000);
  everySecond();
  document.addEventListener("visibilitychange", visible);
  // The browser's word is no proof, since the gateway may be this machine: a new stream is.
  for (const word of ["offline", "online"]) addEventListener(word, () => source && open());
  // A page that comes back from the browser's own cache has missed all since.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

// What the page asks for by itself throws nobody out of what they read: the banner says that the
// login has ended. Whoever acts is led to the login.
body.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (!xhr.getResponseHeader("HX-Redirect")?.startsWith("/login")) return;
  if (requestConfig.triggeringEvent?.isTrusted) return;
  event.preventDefault();
  ended();
});

body.addEventListener("say", (event) => say(event.detail.value ?? event.detail));
body.addEventListener("htmx:sendError", () => say("The gateway does not answer. Try again."));
body.addEventListener("htmx:responseError", (event) => {
  let told = null;
  try {
    told = JSON.parse(event.detail.xhr.responseText);
  } catch {
    told = null;
  }
  say(told ? `${told.detail}. ${told.cure ?? ""}` : "That did not work. Load the page again.");
});
