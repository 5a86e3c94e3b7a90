// Devices: ticking all at once.

import { sayProblems } from "./problems.js";

sayProblems("[data-form]");

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
