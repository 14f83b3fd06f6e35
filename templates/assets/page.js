// Live figures and keys. Every page is whole without it.
"use strict";

const base = document.body.dataset.base;
const state = document.getElementById("live");
const PAGES = { o: "/", r: "/requests", m: "/models", s: "/slo", u: "/upstreams", a: "/alerts", k: "/keys" };
let stopped = false;
let source = null;
let refreshing = false;

function say(word) {
  state.hidden = false;
  state.textContent = word;
  state.className = `live ${word === "live" ? "" : word}`;
}

// Parts with data-live are replaced where they differ, and left alone while somebody is in them.
async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const fresh of page.querySelectorAll("[data-live]")) {
      const old = document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`);
      if (!old || old.contains(document.activeElement) || old.innerHTML === fresh.innerHTML) continue;
      old.replaceChildren(...fresh.childNodes);
    }
    localTimes();
    mark();
    document.dispatchEvent(new Event("fresh"));
    say("live");
  } catch {
    say("disconnected");
  } finally {
    refreshing = false;
  }
}

function connect() {
  if (source || stopped || document.hidden || !("live" in document.body.dataset)) return;
  source = new EventSource(`${base}/api/v1/live`);
  source.addEventListener("open", () => say("live"));
  source.addEventListener("tick", refresh);
  source.addEventListener("error", () => say("disconnected"));
}

function disconnect() {
  if (source) source.close();
  source = null;
  say("paused");
}

document.addEventListener("visibilitychange", () => {
  if (!("live" in document.body.dataset)) return;
  if (document.hidden) disconnect();
  else if (!stopped) { connect(); refresh(); }
});

// Times are UTC in the page; here they become those of the reader, unless UTC is wanted.
function localTimes() {
  const utc = localStorage.getItem("time") === "utc";
  for (const time of document.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.valueOf())) continue;
    time.dataset.utc ??= time.textContent;
    const part = time.dataset.form === "clock"
      ? { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }
      : { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
    time.textContent = utc ? time.dataset.utc : date.toLocaleString(undefined, part);
    time.title = time.dateTime;
  }
}

// Rows that lead somewhere.
let row = -1;
const rows = () => [...document.querySelectorAll("tr[data-href]")];
function mark() {
  rows().forEach((tr, at) => tr.classList.toggle("on", at === row));
}
function go(to) {
  const all = rows();
  if (!all.length) return;
  row = Math.max(0, Math.min(all.length - 1, to));
  mark();
  all[row].scrollIntoView({ block: "nearest" });
}
document.addEventListener("click", (event) => {
  const tr = event.target.closest("tr[data-href]");
  if (tr && !event.target.closest("a, button, input")) location.href = tr.dataset.href;
  const copy = event.target.closest("button:is([data-copy], [data-copy-from], [data-copy-link])");
  if (copy) {
    const { copy: text, copyFrom: from } = copy.dataset;
    const there = from && document.getElementById(from).textContent;
    navigator.clipboard.writeText(text ?? there ?? location.href).then(() => {
      const before = [...copy.childNodes];
      copy.textContent = "Copied";
      setTimeout(() => copy.replaceChildren(...before), 1200);
    });
  }
});

let going = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const key = event.key;
  if (going && PAGES[key]) { location.href = base + PAGES[key]; return; }
  going = key === "g";
  if (key === "?") document.getElementById("keys").showModal();
  else if (key === "/") {
    const filter = document.querySelector("[data-filter]");
    if (filter) { event.preventDefault(); filter.focus(); }
  } else if (key === "j") go(row + 1);
  else if (key === "k") go(row - 1);
  else if (key === "Enter" && row >= 0 && event.target === document.body) location.href = rows()[row].dataset.href;
  else if (key === "p" && "live" in document.body.dataset) {
    stopped = !stopped;
    if (stopped) disconnect();
    else { connect(); refresh(); }
  } else if (key === "u" && !going) {
    localStorage.setItem("time", localStorage.getItem("time") === "utc" ? "local" : "utc");
    localTimes();
    document.dispatchEvent(new Event("clock"));
  }
});

// A slider and its number say the same.
document.addEventListener("input", (event) => {
  const other = event.target.dataset.with && document.getElementById(event.target.dataset.with);
  if (other) other.value = event.target.value;
});
localTimes();
connect();
