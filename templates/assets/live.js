// Keeps the page's figures current while it is in view. The page is whole without it.
"use strict";

const EVERY_MS = 2000;
const state = document.getElementById("live");

async function refresh() {
  if (document.hidden) {
    state.textContent = "paused";
    return;
  }
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("page").replaceWith(page.getElementById("page"));
    state.textContent = "live";
  } catch {
    state.textContent = "disconnected";
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
state.textContent = "live";
