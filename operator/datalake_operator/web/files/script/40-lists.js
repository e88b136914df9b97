// Everything that is no grid: what is wrong, single checks, caches, Rucio servers, probes.

const LONG = 8; // problems that are shown at first
let allProblems = false;

function drawProblems() {
  const where = document.getElementById("problems");
  const shown = model.problems.filter(showsProblem);
  where.hidden = !shown.length;
  const few = allProblems ? shown : shown.slice(0, LONG);
  redraw(where, "problems", [
    el("div", { class: "head" }, el("h2", { id: "problems-title" }, "What is wrong"),
      el("span", { class: "note" }, "what a broken endpoint explains is not told again for its links")),
    el("ul", { class: "problems", "data-list": true }, few.map((one, place) => el("li", {}, problem(one, place)))),
    shown.length > few.length ? el("button", { type: "button", class: "plain more", "data-key": "more", onclick: () => { allProblems = true; draw(); } }, `Show all ${shown.length}`) : "",
  ], JSON.stringify([few, shown.length, minute()]));
}

function showsProblem(one) {
  return (!view.states.size || view.states.has(one.state))
    && (!view.site || one.site === view.site || siteOf(one.namespace, one.source) === view.site || siteOf(one.namespace, one.destination) === view.site)
    && (!view.probe || `${one.namespace}/${one.probe}` === view.probe)
    && (!view.protocol || one.protocols.includes(view.protocol))
    && showsText(one.subject, one.site, one.phrase, one.reason, one.message);
}

function siteOf(namespace, name) {
  const grid = model.grids.find((one) => one.namespace === namespace);
  const found = grid && [...grid.rows, ...grid.columns].find((one) => one.name === name);
  return found && found.site;
}

const KINDS = { central: "", endpoint: "", link: "link", target: "", cache: "cache", server: "Rucio server", probe: "probe" };

function problem(one, place) {
  const path = one.source ? [one.namespace, one.source, ...(one.destination ? [one.destination] : [])] : null;
  return el("button", {
    type: "button", tabindex: place ? "-1" : "0", "data-key": path ? `problem ${openKey(path)}` : `problem ${one.kind} ${one.namespace} ${one.subject}`,
    onclick: (event) => (path ? open(path, event.currentTarget) : jump(one)),
  }, chip(one.state), el("span", {}, KINDS[one.kind] ? `${KINDS[one.kind]} ` : "", el("strong", {}, one.subject), one.phrase ? `${one.phrase.startsWith(":") ? "" : " "}${one.phrase}` : "",
    one.message ? `: ${one.message}` : "", " ",
    el("span", { class: "note" }, [one.protocols.join(", "), one.since ? [one.protocols.length ? ", " : "", "since ", stamp(one.since), `, ${ago(one.since)}`] : ""].flat())));
}

function jump(one) {
  const found = document.querySelector(`[data-name="${CSS.escape(`${one.kind} ${one.namespace}/${one.subject}`)}"]`);
  if (!found) return;
  found.scrollIntoView({ block: "center" });
  found.tabIndex = -1;
  found.focus({ preventScroll: true });
}

const GROUPS = {
  storage: ["Storage", "each endpoint alone"], tcp: ["TCP", ""], http: ["HTTP", ""], cache: ["Reading through caches", ""],
  rucio: ["Rucio checks", ""], custom: ["Custom checks", ""], transfer: ["Transfers", ""],
};

function drawTargets() {
  const where = document.getElementById("targets");
  const groups = [];
  for (const group of model.targets) {
    const rows = group.rows.map((row) => ({
      ...row,
      parts: showsSite(row.site) ? row.parts.filter((part) => showsPart(part, row.namespace)
        && showsText(row.name, row.site, part.reason, phrase(part.reason), part.protocol)) : [],
    })).filter((row) => row.parts.length);
    if (rows.length) groups.push([group.group, rows]);
  }
  const many = new Set(model.probes.map((probe) => probe.namespace)).size > 1;
  redraw(where, "targets", groups.map(([group, rows]) => el("section", { "aria-labelledby": `group-${group}`, class: rows.length > 2 ? "long" : "" },
    el("div", { class: "head" }, el("h2", { id: `group-${group}` }, GROUPS[group][0]), GROUPS[group][1] ? el("span", { class: "note" }, GROUPS[group][1]) : null),
    el("div", { class: "cards", "data-list": true }, rows.map((row, place) => target(row, place, many))))),
  JSON.stringify([groups, many]));
}

function target(row, place, many) {
  const state = worst(row.parts.map((part) => part.state));
  const path = [row.namespace, row.name];
  const probes = new Set(row.parts.map((part) => part.probe));
  return el("button", {
    type: "button", class: `card${state === "critical" ? " bad" : ""}${row.parts.length > 2 || (row.parts.length > 1 && state !== "ok") ? " many" : ""}`, tabindex: place ? "-1" : "0", "data-key": `card ${openKey(path)}`,
    "aria-label": `${row.name}${row.site ? `, site ${row.site}` : ""}: ${row.parts.map(sentence).join("; ")}`,
    title: row.parts.map(sentence).join("\n"), onclick: (event) => open(path, event.currentTarget),
  }, el("span", {}, el("span", { class: "name" }, row.name), row.site && row.site !== row.name ? el("span", { class: "site" }, ` ${row.site}`) : null,
    many ? el("span", { class: "site" }, ` ${row.namespace}`) : null),
  el("span", { class: "chips" }, row.parts.map((part) => chip(part.state,
    [probes.size > 1 ? part.probe : "", part.protocol || "", part.state === "ok" ? part.figure || (part.protocol ? "" : "ok") : STATES[part.state].word].filter(Boolean).join(" ")))));
}

function drawOperands() {
  const where = document.getElementById("operands");
  const shown = (rows) => rows.filter((row) => showsOther(row.state) && showsText(row.name, row.namespace, row.message, row.reason));
  const caches = shown(model.caches);
  const servers = shown(model.servers);
  redraw(where, "operands", [
    caches.length ? operandSection("caches", "Caches", caches, cacheFacts, "cache") : "",
    servers.length ? operandSection("servers", "Rucio servers", servers, serverFacts, "server") : "",
  ].filter(Boolean), JSON.stringify([caches, servers, minute()]));
}

function operandSection(id, title, rows, facts, kind) {
  return el("section", { "aria-labelledby": `${id}-title`, class: rows.length > 2 ? "long" : "" }, el("div", { class: "head" }, el("h2", { id: `${id}-title` }, title)),
    el("div", { class: "cards wide" }, rows.map((row) => el("article", {
      class: `operand${row.state === "critical" ? " bad" : ""}`, "data-name": `${kind} ${row.namespace}/${row.name}`,
    },
    el("div", { class: "line" }, el("strong", {}, row.name), el("span", { class: "site" }, row.namespace), chip(row.state, row.word)),
    row.state !== "ok" && row.message ? el("p", { class: "said" }, row.message, row.since ? [" (since ", stamp(row.since), ")"] : "") : null,
    el("p", { class: "facts" }, facts(row).map(([name, ...value]) => el("span", {}, `${name} `, el("b", {}, ...value)))),
    row.endpoints ? el("div", {}, row.endpoints.map((url) => el("div", {}, el("code", {}, url)))) : null))));
}

function cacheFacts(row) {
  const facts = [];
  if (row.used) facts.push(["holds", row.used, row.usedPercent !== undefined ? ` (${row.usedPercent} %)` : ""]);
  if (row.files !== undefined) facts.push(["files", row.files.toLocaleString()]);
  if (row.byteHitPercent !== undefined) facts.push(["from the cache", `${row.byteHitPercent} %`]);
  if (row.version) facts.push(["XRootD", row.version]);
  if (row.measured) facts.push(["at", clock(row.measured)]);
  return facts;
}

function serverFacts(row) {
  const facts = [];
  if (row.daemons) facts.push(["daemons", row.daemons]);
  if (row.version) facts.push(["Rucio", row.version]);
  if (row.schema) facts.push(["schema", row.schema]);
  if (row.lastBackup) facts.push(["last dump", clock(row.lastBackup)]);
  return facts;
}

function drawProbes() {
  const where = document.getElementById("probes");
  const shown = model.probes.filter((one) => (!view.probe || view.probe === `${one.namespace}/${one.name}`)
    && !view.site && !view.protocol && (!view.states.size || view.states.has(one.state))
    && showsText(one.name, one.namespace, one.type, one.ready && one.ready.message));
  where.hidden = !shown.length;
  redraw(where, "probes", [
    el("div", { class: "head" }, el("h2", { id: "probes-title" }, "Probes"), el("span", { class: "note" }, "what measures all this")),
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "probes-title" }, el("table", { class: "table" },
      el("thead", {}, el("tr", {}, ["State", "Name", "Type", "Runs", "Last run", "Checks", "Says"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, shown.map(probeRow)))),
  ], JSON.stringify([shown, minute()]));
}

function probeRow(one) {
  const ready = one.ready || {};
  const trouble = ready.status === "False" ? ready.message : one.healthy && one.healthy.status !== "True" ? one.healthy.message : "";
  return el("tr", { "data-name": `probe ${one.namespace}/${one.name}` },
    el("td", { class: "nowrap" }, chip(one.state)),
    el("td", { class: "nowrap" }, one.name, " ", el("span", { class: "site" }, one.namespace)),
    el("td", {}, one.type),
    el("td", { class: "nowrap" }, one.suspended ? "suspended" : one.schedule || ""),
    el("td", { class: "nowrap" }, one.lastRun ? [stamp(one.lastRun), el("span", { class: "site" }, ` ${ago(one.lastRun)}`)] : "none yet"),
    el("td", {}, el("span", { class: "tally" }, ORDER.filter((state) => one.counts[state]).map((state) => el("span", { class: "chip", "data-state": state, title: STATES[state].word, role: "img", "aria-label": `${one.counts[state]} ${STATES[state].word}` }, `${STATES[state].symbol} ${one.counts[state]}`)))),
    el("td", {}, trouble));
}

const minute = () => Math.floor(now() / 60000);
