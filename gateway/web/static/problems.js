// What was refused is said where the finger is: in the part of the page that was acted in.

export function sayProblems(within) {
  const place = (event) => event.target.closest(within)?.querySelector("[data-problem]");

  function fail(event, text) {
    const told = place(event);
    if (!told) return;
    told.textContent = text;
    told.hidden = false;
    told.scrollIntoView({ block: "center" });
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
    const told = place(event);
    if (told) told.hidden = true;
  });
}
