// What the reader has chosen. It lives in the address, so that it survives a reload and can be sent to somebody.

const view = { site: "", probe: "", protocol: "", q: "", states: new Set(), open: null };

function readAddress() {
  const asked = new URLSearchParams(location.search);
  for (const name of ["site", "probe", "protocol", "q"]) view[name] = asked.get(name) || "";
  view.states = new Set((asked.get("state") || "").split(",").filter((state) => state in STATES));
  view.open = asked.get("open") ? asked.get("open").split("|").map(unescaped) : null;
}

function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function writeAddress() {
  const said = new URLSearchParams();
  for (const name of ["q", "site", "probe", "protocol"]) if (view[name]) said.set(name, view[name]);
  if (view.states.size) said.set("state", ORDER.filter((state) => view.states.has(state)).join(","));
  if (view.open) said.set("open", view.open.map(encodeURIComponent).join("|"));
  const text = said.toString();
  history.replaceState(null, "", text ? `?${text}` : location.pathname);
}

const filtered = () => Boolean(view.site || view.probe || view.protocol || view.q || view.states.size);

function showsPart(part, namespace) {
  return (!view.protocol || part.protocol === view.protocol)
    && (!view.probe || `${namespace}/${part.probe}` === view.probe)
    && (!view.states.size || view.states.has(part.state));
}

function showsText(...texts) {
  if (!view.q) return true;
  const wanted = view.q.toLowerCase();
  return texts.some((text) => text && text.toLowerCase().includes(wanted));
}

const showsSite = (...sites) => !view.site || sites.includes(view.site);
// Of what has no protocol and no site, nothing is left where one is asked for.
const showsOther = (state) => !view.site && !view.protocol && !view.probe && (!view.states.size || view.states.has(state));

function drawFilters() {
  const form = document.getElementById("filters");
  const states = el("fieldset", { class: "states", "aria-label": "States" },
    ORDER.filter((state) => model.counts[state] || view.states.has(state) || state === "critical" || state === "ok")
      .map((state) => el("button", {
        type: "button", "data-key": `state-${state}`, "data-state": state, title: STATES[state].meaning,
        "aria-pressed": String(view.states.has(state)), class: model.counts[state] ? "" : "none",
        onclick: () => choose(() => (view.states.delete(state) || view.states.add(state))),
      }, el("span", { "aria-hidden": "true" }, `${STATES[state].symbol} `), el("b", {}, String(model.counts[state])), ` ${STATES[state].word}`)));
  const sites = new Set();
  const protocols = new Set();
  for (const grid of model.grids) {
    for (const one of [...grid.rows, ...grid.columns]) if (one.site) sites.add(one.site);
    for (const cell of grid.cells) for (const part of cell.parts) if (part.protocol) protocols.add(part.protocol);
  }
  for (const group of model.targets) for (const row of group.rows) {
    if (row.site) sites.add(row.site);
    for (const part of row.parts) if (part.protocol) protocols.add(part.protocol);
  }
  const search = el("input", {
    type: "search", placeholder: "Search (press /)", "aria-label": "Search names and reasons", "data-key": "q",
    class: view.q ? "set" : "", oninput: (event) => choose(() => { view.q = event.target.value.trim(); }),
  });
  search.value = view.q;
  const clear = el("button", { type: "button", class: "plain", "data-key": "clear", onclick: () => choose(() => {
    view.site = view.probe = view.protocol = view.q = "";
    view.states.clear();
    document.querySelector("[data-key=q]").value = "";
  }) }, "Show all");
  clear.hidden = !filtered();
  redraw(form, "filters", [
    states, search, select("site", "All sites", [...sites].sort()),
    select("probe", "All probes", model.probes.map((probe) => `${probe.namespace}/${probe.name}`)),
    select("protocol", "All protocols", [...protocols].sort()), clear,
  ], JSON.stringify([model.counts, [...sites], [...protocols], model.probes.length, view.site, view.probe, view.protocol, filtered(), [...view.states]]));
}

function select(name, all, values) {
  if (view[name] && !values.includes(view[name])) values = [...values, view[name]];
  const made = el("select", {
    "aria-label": all, "data-key": name, class: view[name] ? "set" : "",
    onchange: (event) => choose(() => { view[name] = event.target.value; }),
  }, el("option", { value: "" }, all), values.map((value) => el("option", { value }, value)));
  made.value = view[name];
  return made;
}

function choose(change) {
  change();
  writeAddress();
  draw();
}

// Put new children in, unless nothing changed; what had the focus has it again.
const drawn = new Map();
function redraw(where, key, children, signature) {
  if (drawn.get(key) === signature) return false;
  drawn.set(key, signature);
  const active = document.activeElement;
  const focus = where.contains(active) ? active.getAttribute("data-key") : null;
  const selection = focus === "q" ? [active.selectionStart, active.selectionEnd] : null;
  where.replaceChildren(...children);
  if (focus !== null) {
    const again = [...where.querySelectorAll("[data-key]")].find((one) => one.getAttribute("data-key") === focus);
    if (again) again.focus({ preventScroll: true });
    if (again && selection) again.setSelectionRange(...selection);
  }
  return true;
}
