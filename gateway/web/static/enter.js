// Lets in whoever has the link of a login. The token stands behind the #, which browsers never
// send by themselves: so it is in nobody's log.
const state = document.querySelector("[data-state]");
const token = location.hash.slice(1);
history.replaceState(null, "", "/enter");

function say(text) {
  state.textContent = text;
  state.className = "problem";
}

// Whoever is logged in as somebody else might not know what the link does.
function ask(told) {
  say(`${told.detail[0].toUpperCase()}${told.detail.slice(1)}. ${told.cure}. `);
  const button = document.createElement("button");
  button.textContent = `Enter as ${told.instead}`;
  button.addEventListener("click", () => enter(told.instead));
  state.append(button);
}

async function enter(instead = "") {
  if (!token) {
    say("This link is not complete: it ends in # and a long word.");
    return;
  }
  try {
    const body = new URLSearchParams({ token, instead });
    const answer = await fetch("/enter", { method: "POST", body });
    const told = await answer.json();
    if (answer.ok) location.replace(told.to);
    else if (told.instead) ask(told);
    else say(`${told.detail}. ${told.cure || ""}`);
  } catch {
    say("The gateway does not answer. Trying again…");
    setTimeout(enter, 3000, instead);
  }
}
enter();
