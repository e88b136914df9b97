// What opens when something is chosen.

let opener = null; // the key of what had the focus before
let shownDetails = null;

function open(path, from) {
  opener = from ? from.getAttribute("data-key") : null;
  view.open = path;
  writeAddress();
  markOpen();
  shownDetails = null;
  loadDetails(true);
}

function close() {
  if (!view.open) return;
  const key = openKey(view.open);
  view.open = null;
  writeAddress();
  markOpen();
  const panel = document.getElementById("panel");
  panel.hidden = true;
  panel.replaceChildren();
  const keyed = [...document.querySelectorAll("[data-key]")];
  const back = keyed.find((one) => one.getAttribute("data-key") === opener) || keyed.find((one) => one.getAttribute("data-key").trim().endsWith(key));
  opener = null;
  if (back) back.focus({ preventScroll: true });
}

async function loadDetails(focus) {
  const path = view.open;
  if (!path) return;
  const [namespace, source, destination] = path;
  const asked = new URLSearchParams({ namespace, source, ...(destination ? { destination } : {}) });
  let found;
  try {
    const answer = await fetch(`api/v1/details?${asked}`, { signal: AbortSignal.timeout(10000), cache: "no-cache" });
    found = await answer.json();
    if (!answer.ok) found = { problem: answer.status === 404 ? "This is not measured any more." : found.error };
  } catch {
    found = { problem: "The operator does not answer: details cannot be shown now." };
    if (shownDetails) return;
  }
  if (view.open !== path) return;
  const said = JSON.stringify(found);
  if (said !== shownDetails) drawDetails(path, found, said);
  if (focus) document.getElementById("panel-title").focus();
}

function drawDetails([, source, destination], found, said) {
  const panel = document.getElementById("panel");
  const inside = panel.contains(document.activeElement) ? document.activeElement.getAttribute("data-key") : null;
  const top = shownDetails ? panel.scrollTop : 0;
  const unfolded = new Map([...panel.querySelectorAll("details")].map((one) => [one.firstChild.getAttribute("data-key"), one.open]));
  const shownBefore = shownDetails !== null;
  shownDetails = said;
  const sites = [found.site, found.destinationSite].filter(Boolean);
  panel.replaceChildren(
    el("div", { class: "head" },
      el("div", {}, el("h2", { id: "panel-title", tabindex: "-1", "data-key": "title" }, destination ? `${source} → ${destination}` : source),
        sites.length ? el("p", { class: "note" }, destination ? sites.join(" → ") : `site ${sites[0]}`) : null),
      el("button", { type: "button", class: "plain", "data-key": "close", "aria-label": "Close details", onclick: close }, "✕ Close")),
    ...(found.problem ? [el("p", { class: "sentence" }, found.problem)] : []),
    ...(found.blamed || []).map(blame),
    ...(found.links ? [linkCounts(found.links)] : []),
    ...(found.parts || []).map((part, place) => check(part, place)),
  );
  if (shownBefore) {
    for (const one of panel.querySelectorAll("details")) one.open = unfolded.get(one.firstChild.getAttribute("data-key")) ?? one.open;
  }
  panel.hidden = false;
  panel.scrollTop = top;
  if (inside !== null) {
    const again = [...panel.querySelectorAll("[data-key]")].find((one) => one.getAttribute("data-key") === inside);
    (again || document.getElementById("panel-title")).focus({ preventScroll: true });
  }
}

const ROLES = { source: "as a source", destination: "as a destination", both: "as a source and a destination" };

function blame(one) {
  return el("div", { class: "check" },
    el("div", { class: "line" }, chip(one.state), el("span", { class: "note" }, `blamed ${ROLES[one.role] || ""} by probe ${one.probe}`)),
    el("p", { class: "sentence" }, one.words), since(one));
}

function since(one) {
  return one.since ? el("p", { class: "note" }, `${STATES[one.state].word} since `, stamp(one.since), `, ${ago(one.since)}`) : null;
}

function linkCounts(links) {
  return el("div", { class: "check" }, el("h3", {}, "Its links"), el("dl", { class: "pairs" },
    Object.entries(links).flatMap(([role, counts]) => [
      el("dt", {}, ROLES[role]),
      el("dd", { class: "tally" }, ORDER.filter((state) => counts[state]).map((state) => chip(state, `${counts[state]} ${STATES[state].word}`))),
    ])));
}

function check(part, place) {
  const history = [...part.runs].reverse();
  const times = history.filter((run) => run.time);
  return el("div", { class: "check" },
    el("div", { class: "line" }, chip(part.state), el("h3", {}, [part.protocol, `probe ${part.probe}`].filter(Boolean).join(", ")), el("span", { class: "note" }, part.type)),
    el("p", { class: "sentence" }, part.words), since(part),
    part.advice ? el("p", { class: "said" }, part.advice) : null,
    ...part.planned.map((one) => el("p", { class: "said" }, chip("maintenance", one.name), ` ${one.reason || "planned work"}, until `, stamp(one.to))),
    part.runs.length ? el("h4", {}, `Last ${plural(part.runs.length, "run")}, newest last`) : null,
    part.runs.length ? el("ol", { class: "runs" }, history.map((run) => {
      const told = [run.time ? clock(run.time) : "", run.word, run.why || ""].filter(Boolean).join(", ");
      return el("li", {}, el("span", { class: "run", "data-state": run.state, title: told, "aria-label": told, role: "img" }, STATES[run.state].symbol));
    })) : null,
    times.length > 1 ? el("p", { class: "ends" }, stamp(times[0].time), stamp(times[times.length - 1].time)) : null,
    part.measurements.length ? el("h4", {}, "Last measurements") : null,
    part.measurements.length ? el("dl", { class: "pairs" }, part.measurements.flatMap((one) => [el("dt", {}, one.name), el("dd", {}, one.value)])) : null,
    part.rules.length ? el("h4", {}, "Limits") : null,
    part.rules.length ? el("ul", { class: "rules" }, part.rules.map((rule) => el("li", {}, rule))) : null,
    part.commands.length ? el("details", { class: "hand", open: part.state !== "ok" },
      el("summary", { "data-key": `hand-${place}` }, "Repeat it by hand"),
      part.commands.map((command, number) => byHand(command, `copy-${place}-${number}`))) : null);
}

function byHand(command, key) {
  const text = el("pre", {}, command.lines.flatMap((line, place) => [place ? "\n" : "", ...shellWords(line)]));
  const copy = el("button", { type: "button", class: "plain", "data-key": key, "aria-label": `Copy: ${command.title}`, onclick: () => take(text, copy) }, "Copy");
  return el("div", { class: "command" }, el("div", { class: "line" }, el("span", {}, command.title), copy), text);
}

// Lines are broken between words only, and not between an option and its value: both would read like something else.
function shellWords(line) {
  const found = line.match(/(?:--?[\w-]+ (?!-))?(?:'[^']*'|\S)+/g) || [];
  const words = found.join(" ") === line ? found : line.split(" ");
  return words.flatMap((word, place) => [place ? " " : "", el("span", {}, word)]);
}

// The clipboard is only there over https; elsewhere the text is selected, ready for the reader's own copy key.
async function take(text, button) {
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(text);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
  }
}
