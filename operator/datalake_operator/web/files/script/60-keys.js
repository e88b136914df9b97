// Without a mouse: arrows move within a grid or a list, which is one stop of the Tab key each.

function onKey(event) {
  if (event.key === "Escape" && view.open) {
    event.preventDefault();
    close();
    return;
  }
  if (event.ctrlKey && !["Home", "End"].includes(event.key) || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    document.querySelector("[data-key=q]").focus();
    return;
  }
  if (typing) return;
  const cell = event.target.closest(".grid td[tabindex], .grid th");
  if (cell) return void inGrid(event, cell);
  const item = event.target.closest("[data-list] button");
  if (item) inList(event, item);
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function inGrid(event, cell) {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    open(pathOf(cell), cell);
    return;
  }
  const table = cell.closest("table");
  const row = cell.parentElement.rowIndex;
  const column = cell.cellIndex;
  const reachable = (one) => one && one.hasAttribute("tabindex");
  let found = null;
  if (event.key in STEPS) {
    const [down, right] = STEPS[event.key];
    for (let step = 1; !found; step += 1) {
      const next = table.rows[row + down * step];
      const candidate = next && next.cells[column + right * step];
      if (!candidate) break;
      if (reachable(candidate)) found = candidate;
    }
  } else if (event.key === "Home") found = (event.ctrlKey ? table.rows[0].cells[1] : table.rows[row].cells[row ? 0 : 1]);
  else if (event.key === "End") found = [...(event.ctrlKey ? table.rows[table.rows.length - 1] : table.rows[row]).cells].filter(reachable).pop();
  else return;
  event.preventDefault();
  if (found) stop(table, found);
}

function stop(within, found) {
  for (const old of within.querySelectorAll("[tabindex='0']")) old.tabIndex = -1;
  found.tabIndex = 0;
  found.focus({ preventScroll: true });
  clear(found);
}

// Bring a cell into sight, out from under the headers that stay.
function clear(cell) {
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  const scroll = cell.closest(".scroll");
  if (!scroll || cell.tagName === "TH") return;
  const table = cell.closest("table");
  const box = cell.getBoundingClientRect();
  const left = table.rows[0].cells[0].getBoundingClientRect();
  if (box.left < left.right) scroll.scrollLeft -= left.right - box.left;
  if (box.top < left.bottom) scroll.scrollTop -= left.bottom - box.top;
}

function inList(event, item) {
  const list = item.closest("[data-list]");
  const items = [...list.querySelectorAll("button")];
  const place = items.indexOf(item);
  const box = item.getBoundingClientRect();
  const middle = box.left + box.width / 2;
  const beside = (candidates) => candidates.map((one) => [one, one.getBoundingClientRect()])
    .sort(([, a], [, b]) => Math.abs(a.top - box.top) - Math.abs(b.top - box.top) || Math.abs(a.left + a.width / 2 - middle) - Math.abs(b.left + b.width / 2 - middle))
    .map(([one]) => one)[0];
  const found = {
    ArrowRight: () => items[place + 1],
    ArrowLeft: () => items[place - 1],
    ArrowDown: () => beside(items.slice(place + 1).filter((one) => one.getBoundingClientRect().top >= box.bottom - 1)),
    ArrowUp: () => beside(items.slice(0, place).filter((one) => one.getBoundingClientRect().bottom <= box.top + 1)),
    Home: () => items[0],
    End: () => items[items.length - 1],
  }[event.key];
  if (!found) return;
  event.preventDefault();
  const next = found();
  if (next) {
    stop(list, next);
    next.scrollIntoView({ block: "nearest" });
  }
}

const pathOf = (cell) => cell.getAttribute("data-key").trim().split("|").map(decodeURIComponent);

function onClick(event) {
  const cell = event.target.closest(".grid td[tabindex], .grid th");
  if (!cell) return;
  stop(cell.closest("table"), cell);
  open(pathOf(cell), cell);
}
