// Sheets: what a link with data-sheet leads to is shown over the page, and goes away when
// something was done in it. Without this file the links lead to pages of their own.

import { sayProblems } from "./problems.js";

const dialog = document.createElement("dialog");
dialog.className = "sheet";
document.body.append(dialog);

async function open(link) {
  dialog.replaceChildren();
  await htmx.ajax("GET", link.getAttribute("href"), { target: dialog, swap: "innerHTML" });
  // Nothing came: the toast has told why.
  if (!dialog.firstElementChild || dialog.open) return;
  const title = dialog.querySelector("h2");
  if (title) dialog.setAttribute("aria-labelledby", title.id);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-sheet]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    open(link);
  }
  // A tap beside the sheet closes it.
  if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
});

document.body.addEventListener("acted", () => dialog.close());

// The toast lies behind the sheet.
sayProblems(".acts");
