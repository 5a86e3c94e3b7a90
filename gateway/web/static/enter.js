// Lets in whoever has the link of a login. The token stands behind the #, which browsers never
// send by themselves: so it is in nobody's log.
const state = document.querySelector("[data-state]");
const token = location.hash.slice(1);
history.replaceState(null, "", "/enter");

function say(text) {
  state.textContent = text;
  state.className = "problem";
}

async function enter() {
  if (!token) {
    say("This link is not complete: it ends in # and a long word.");
    return;
  }
  try {
    const answer = await fetch("/enter", { method: "POST", body: new URLSearchParams({ token }) });
    const told = await answer.json();
    if (answer.ok) location.replace(told.to);
    else say(`${told.detail}. ${told.cure || ""}`);
  } catch {
    say("The gateway does not answer. Trying again…");
    setTimeout(enter, 3000);
  }
}
enter();
