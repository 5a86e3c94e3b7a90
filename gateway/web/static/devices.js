// Devices: ticking all at once, and what was refused is said in the form where the finger is.

function fail(event, text) {
  const place = event.target.closest("[data-form]")?.querySelector("[data-problem]");
  if (!place) return;
  place.textContent = text;
  place.hidden = false;
  place.scrollIntoView({ block: "center" });
}

document.body.addEventListener("htmx:responseError", (event) => {
  try {
    const told = JSON.parse(event.detail.xhr.responseText);
    fail(event, `${told.detail}. ${told.cure ?? ""}`);
  } catch {
    fail(event, "That did not work. Load the page again.");
  }
});
document.body.addEventListener("htmx:sendError", (event) => {
  fail(event, "The gateway does not answer. Nothing was done: try again.");
});
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const place = event.target.closest("[data-form]")?.querySelector("[data-problem]");
  if (place) place.hidden = true;
});

function ticks() {
  return [...document.querySelectorAll("input[name=device]")];
}

function count() {
  const button = document.querySelector("[data-ticked]");
  if (!button) return;
  const many = ticks().filter((one) => one.checked).length;
  button.disabled = !many;
  button.textContent = many ? `Confirm ${many}` : "Confirm those ticked";
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) for (const one of ticks()) one.checked = event.target.checked;
  count();
});
document.body.addEventListener("htmx:afterSettle", count);
count();
