// Drawing, and asking for what is new without losing the reader's place.

const PAUSE = 15000; // between two questions
const GRACE = 120000; // after which a result that should have been called old says that nobody judges any more
let tag = setting.tag;
let heard = now();
let silent = false;

function draw() {
  performance.mark("draw");
  drawHeadline();
  drawFilters();
  drawProblems();
  drawGrids();
  drawTargets();
  drawOperands();
  drawProbes();
  drawNothing();
  drawBanner();
  performance.measure("drawn", "draw");
}

function drawHeadline() {
  const { state, parts } = model.headline;
  const where = document.getElementById("verdict");
  const text = parts.map((part) => (part.time ? stamp(part.time) : part.text));
  where.dataset.state = state;
  redraw(where, "verdict", [
    el("span", { class: "glyph", "aria-hidden": "true" }, STATES[state].symbol),
    el("h1", { id: "headline" }, text),
  ], JSON.stringify([model.headline, new Date(now()).toDateString()]));
  document.title = `${STATES[state].symbol} ${state === "critical" ? `${plural(model.problems.filter((one) => one.state === "critical").length, "problem")} – ` : ""}Data lake`;
  const colour = { ok: "2f9e57", warning: "e0a800", critical: "c92a2a", maintenance: "2f6fca" }[state] || "78859a";
  document.querySelector("link[rel=icon]").href = `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%23${colour}'/%3E%3C/svg%3E`;
}

function drawNothing() {
  const some = [...document.querySelectorAll("main section")].some((one) => !one.hidden);
  const where = document.getElementById("nothing");
  where.hidden = some;
  where.textContent = filtered() ? "Nothing fits these filters." : "Make a QoSProbe, and its results appear here.";
}

function drawBanner() {
  const where = document.getElementById("banner");
  const dead = model.probes.filter((one) => one.freshUntil && Date.parse(one.freshUntil) + GRACE < now()
    && ["ok", "warning", "critical"].includes(one.state));
  let text = "";
  if (silent) text = `The operator has not answered since ${clock(heard)}. What you see is from then.`;
  else if (dead.length) {
    text = `Old results: ${dead.slice(0, 3).map((one) => one.name).join(", ")}${dead.length > 3 ? ` and ${dead.length - 3} more` : ""} `
      + "should have run since, and nobody has judged them. Look at the operator's pods and at its Lease.";
  }
  where.hidden = !text;
  if (where.textContent !== text) where.textContent = text;
  document.body.classList.toggle("old", Boolean(text));
  document.getElementById("fresh").textContent = silent ? `no answer; asked again every ${PAUSE / 1000} s` : `as of ${SECOND.format(heard)}`;
}

async function refresh() {
  try {
    const answer = await fetch("api/v1/overview", { headers: { "If-None-Match": tag }, cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (answer.status === 200) {
      model = await answer.json();
      tag = answer.headers.get("ETag") || "";
    } else if (answer.status !== 304) throw new Error(String(answer.status));
    const date = Date.parse(answer.headers.get("Date"));
    if (date) skew = date - Date.now();
    heard = now();
    silent = false;
  } catch {
    silent = true;
  }
  draw();
  if (!silent) await loadDetails(false);
}

async function goOn() {
  await refresh();
  setTimeout(goOn, PAUSE);
}

const THEMES = ["auto", "light", "dark"];
function theme(chosen) {
  document.documentElement.dataset.theme = chosen;
  document.getElementById("theme").textContent = `Theme: ${chosen}`;
}

function remembered() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage is switched off
  }
}

function nextTheme() {
  const chosen = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  theme(chosen);
  try {
    localStorage.setItem("theme", chosen);
  } catch {
    // it holds until the page is loaded again
  }
}

function start() {
  const kept = remembered();
  theme(THEMES.includes(kept) ? kept : "auto");
  document.getElementById("theme").addEventListener("click", nextTheme);
  document.getElementById("zone").textContent = `Times are those of ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`;
  document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", onKey);
  document.getElementById("grids").addEventListener("click", onClick);
  document.getElementById("grids").addEventListener("mouseover", follow);
  document.getElementById("grids").addEventListener("focusin", follow);
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (width && contentRect.width !== width) requestAnimationFrame(drawGrids);
    width = contentRect.width;
  }).observe(document.getElementById("main"));
  window.addEventListener("popstate", () => { readAddress(); draw(); });
  readAddress();
  draw();
  if (view.open) loadDetails(false);
  setTimeout(goOn, PAUSE);
}

start();
