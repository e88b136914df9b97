// The grids: rows are sources, columns are destinations.

const grids = new Map(); // namespace -> what is drawn of it

function drawGrids() {
  const where = document.getElementById("grids");
  for (const namespace of [...grids.keys()]) {
    if (!model.grids.some((grid) => grid.namespace === namespace)) {
      grids.get(namespace).section.remove();
      grids.delete(namespace);
    }
  }
  for (const grid of model.grids) {
    if (!grids.has(grid.namespace)) {
      const made = gridSection(grid);
      grids.set(grid.namespace, made);
      where.append(made.section);
    }
    drawGrid(grid, grids.get(grid.namespace));
  }
}

function gridSection(grid) {
  const title = `grid-${grid.namespace}`;
  const readout = el("p", { class: "readout", "aria-hidden": "true" });
  const note = el("span", { class: "note" });
  const scroll = el("div", { class: "scroll" });
  const name = model.grids.length > 1 ? `Transfers in ${grid.namespace}` : "Transfers";
  const section = el("section", { "aria-labelledby": title, class: "transfers" },
    el("div", { class: "head" }, el("h2", { id: title }, name), note, readout), scroll);
  return { section, readout, note, scroll, title, asked: "", size: "", structure: "", cells: new Map() };
}

function drawGrid(grid, at) {
  const shown = shownCells(grid);
  at.section.hidden = !shown.length;
  if (!shown.length) return;
  const all = !filtered();
  const rows = grid.rows.map((_, place) => place).filter((place) => all || shown.some((cell) => cell.row === place));
  const columns = grid.columns.map((_, place) => place).filter((place) => all || shown.some((cell) => cell.column === place));
  const parts = Math.max(...shown.map((cell) => cell.parts.length));
  const room = document.getElementById("main").clientWidth - 170; // what row headers and margins leave
  const asked = JSON.stringify([room, rows, columns, parts]);
  if (asked !== at.asked) {
    at.asked = asked;
    at.size = columns.length * 122 <= room ? "roomy" : columns.length * parts * 57 <= room ? "medium" : "dense";
  }
  paintGrid(grid, at, shown, rows, columns);
  // How wide words are is known once they are there.
  while (at.size !== "dense" && at.scroll.scrollWidth > at.scroll.clientWidth) {
    at.size = at.size === "roomy" ? "medium" : "dense";
    paintGrid(grid, at, shown, rows, columns);
  }
  // Where there is room for more than a symbol and for less than a word, the symbols have it.
  const width = Math.max(14, Math.min(26, Math.floor(room / columns.length / parts) - 3));
  at.scroll.firstChild.style.setProperty("--part", `${width}px`);
  markOpen();
}

function paintGrid(grid, at, shown, rows, columns) {
  const protocols = [...new Set(shown.flatMap((cell) => cell.parts.map((part) => part.protocol).filter(Boolean)))].sort();
  at.note.textContent = `from row to column${at.size === "dense" && protocols.length > 1 ? `; in each cell ${protocols.join(" | ")}` : ""}`;
  const structure = JSON.stringify([at.size, rows.map((place) => grid.rows[place]), columns.map((place) => grid.columns[place]), shown.map((cell) => [cell.row, cell.column])]);
  if (structure !== at.structure) {
    at.structure = structure;
    buildGrid(grid, at, rows, columns);
  }
  for (const cell of shown) fillCell(grid, at, cell);
}

function shownCells(grid) {
  if (!filtered()) return grid.cells;
  const found = [];
  for (const cell of grid.cells) {
    const from = grid.rows[cell.row];
    const to = grid.columns[cell.column];
    if (!showsSite(from.site, to.site)) continue;
    const parts = cell.parts.filter((part) => showsPart(part, grid.namespace)
      && showsText(from.name, to.name, from.site, to.site, part.reason, phrase(part.reason)));
    if (parts.length) found.push({ ...cell, parts });
  }
  return found;
}

function buildGrid(grid, at, rows, columns) {
  const focus = at.scroll.contains(document.activeElement) ? document.activeElement.getAttribute("data-key") : null;
  const { scrollLeft, scrollTop } = at.scroll;
  const wanted = new Set(shownCells(grid).map((cell) => `${cell.row}/${cell.column}`));
  at.cells.clear();
  const head = el("tr", {}, el("td", {}, "from ↓ to →"), columns.map((place) => header(grid, grid.columns[place], "column")));
  const body = rows.map((row) => el("tr", {}, header(grid, grid.rows[row], "row"), columns.map((column) => {
    if (!wanted.has(`${row}/${column}`)) return el("td", { class: "none" });
    const cell = el("td", {
      tabindex: "-1",
      "data-key": openKey([grid.namespace, grid.rows[row].name, grid.columns[column].name]),
    });
    at.cells.set(`${row}/${column}`, cell);
    return cell;
  })));
  const table = el("table", { class: `grid ${at.size}`, role: "grid", "aria-labelledby": at.title, "aria-readonly": "true" },
    el("thead", {}, head), el("tbody", {}, body));
  at.scroll.replaceChildren(table);
  at.scroll.scrollLeft = scrollLeft;
  at.scroll.scrollTop = scrollTop;
  const again = focus && [...table.querySelectorAll("[data-key]")].find((one) => one.getAttribute("data-key") === focus);
  const first = again || table.querySelector("td[tabindex]") || table.querySelector("th");
  if (first) first.tabIndex = 0;
  if (again) again.focus({ preventScroll: true });
}

function header(grid, one, side) {
  const bad = one.state && one.state !== "ok";
  const why = bad ? `, ${STATES[one.state].word}${phrase(one.reason) ? `, ${phrase(one.reason)}` : ""}${one.since ? ` since ${clock(one.since)}` : ""}` : "";
  const name = el("span", { class: "name" }, bad ? el("span", { "aria-hidden": "true", class: "symbol" }, `${STATES[one.state].symbol} `) : null, one.name);
  const site = one.site && one.site !== one.name ? el("span", { class: "site" }, one.site) : null;
  return el("th", {
    scope: side === "row" ? "row" : "col", tabindex: "-1", "data-state": bad ? one.state : null,
    "data-key": openKey([grid.namespace, one.name]) + (side === "column" ? " " : ""),
    "aria-label": `${one.name}${one.site ? `, site ${one.site}` : ""}${why}`,
    title: `${one.name}${one.site ? `, ${one.site}` : ""}${why}`,
  }, side === "column" ? el("div", { class: "turn" }, name, site) : [name, site]);
}

function fillCell(grid, at, cell) {
  const where = at.cells.get(`${cell.row}/${cell.column}`);
  const said = at.size + JSON.stringify(cell.parts);
  if (where.said === said) return;
  where.said = said;
  where.about = `${grid.rows[cell.row].name} to ${grid.columns[cell.column].name}: ${cell.parts.map(sentence).join("; ")}`;
  where.setAttribute("aria-label", where.about);
  const parts = el("div", { class: "parts", "aria-hidden": "true" });
  for (const part of cell.parts) {
    const made = el("span", { class: "part", "data-state": part.state }, STATES[part.state].symbol);
    const twin = cell.parts.some((other) => other !== part && other.protocol === part.protocol); // of another probe
    if (at.size !== "dense") made.append(el("span", {}, [part.protocol, twin || !part.protocol ? part.probe : ""].filter(Boolean).join(" ")));
    if (at.size === "roomy") made.append(el("span", { class: "word" }, part.state === "ok" ? part.figure || "ok" : STATES[part.state].word));
    parts.append(made);
  }
  where.replaceChildren(parts);
}

const openKey = (path) => path.map(encodeURIComponent).join("|");

function markOpen() {
  const key = view.open ? openKey(view.open) : null;
  for (const { cells } of grids.values()) {
    for (const cell of cells.values()) {
      const open = cell.getAttribute("data-key") === key;
      if (open !== (cell.getAttribute("aria-selected") === "true")) cell.setAttribute("aria-selected", String(open));
    }
  }
}

// The row and the column under the pointer or the focus, and what the cell says, are easy to follow.
function follow(event) {
  const cell = event.target.closest(".grid td[tabindex], .grid th");
  for (const old of document.querySelectorAll(".grid th.at")) old.classList.remove("at");
  const table = event.target.closest(".grid");
  if (!table) return;
  const at = [...grids.values()].find((one) => one.section.contains(table));
  at.readout.textContent = cell ? cell.about || cell.title : "";
  if (!cell || cell.tagName !== "TD") return;
  table.rows[0].cells[cell.cellIndex].classList.add("at");
  cell.parentElement.cells[0].classList.add("at");
}
