// Forms about consignments: what is refused is said beside the form.

import { sayProblems } from "./problems.js";

sayProblems("[data-form]");

// Whoever writes that it was at another time is asked why.
document.addEventListener("input", (event) => {
  const at = event.target.closest(".earlier input[name=at]");
  const reason = at?.closest(".earlier").querySelector("input[name=reason]");
  if (reason) reason.required = Boolean(at.value);
});
