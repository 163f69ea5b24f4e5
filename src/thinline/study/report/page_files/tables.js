/* Tables: sort by a column, filter rows, and show the first MOST rows until all are requested. */
const MOST = 40;

/** Hide all but the first MOST rows that pass the filters; the button below the table shows them. */
function limit(table) {
  const button = table.closest(".scroll").parentElement.querySelector(":scope > .more [data-more]");
  const rows = all("tbody tr", table).filter((row) => !row.hidden);
  const beyond = table.dataset.all === "yes" || rows.length <= MOST + 5 ? [] : rows.slice(MOST);
  for (const row of all("tbody tr", table)) row.classList.toggle("beyond", beyond.includes(row));
  if (!button) return;
  button.hidden = beyond.length === 0;
  button.querySelector("[data-count]").textContent = rows.length;
}

for (const button of all("[data-more]")) {
  button.addEventListener("click", () => {
    const scroll = button.closest(".more").parentElement.querySelector(".scroll");
    const table = scroll.querySelector("table");
    table.dataset.all = "yes";
    limit(table);
    scroll.focus();
  });
}

/** Sort the rows by a column, largest first if `down`. Missing values come last, ties keep their order. */
function order(table, place, down) {
  const body = table.tBodies[0];
  const known = (row) => {
    const text = row.querySelectorAll("td")[place].dataset.value;
    return text === "" ? null : Number(text);
  };
  const rows = table.declared.map((row) => [row, known(row)]);
  rows.sort(([, a], [, b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return down ? b - a : a - b;
  });
  body.append(...rows.map(([row]) => row));
  return rows;
}

for (const table of all("table[data-sortable]")) {
  table.declared = all("tbody tr", table);
  const heads = all("th[data-class]", table);
  const clear = () => {
    for (const head of heads) head.removeAttribute("aria-sort");
    for (const place of all(".place", table)) place.textContent = "";
  };
  heads.forEach((head, place) => {
    head.querySelector("button").addEventListener("click", () => {
      const bestDown = !("lower" in head.dataset);
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : bestDown;
      clear();
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = order(table, place, down).filter(([, value]) => value !== null);
      for (const [row, value] of rows) {
        const better = rows.filter(([, other]) => (bestDown ? other > value : other < value)).length;
        row.querySelector(".place").textContent = better + 1;
      }
      limit(table);
    });
  });
  const declared = table.querySelector("[data-declared]");
  if (declared) {
    declared.addEventListener("click", () => {
      clear();
      table.tBodies[0].append(...table.declared);
      limit(table);
    });
  }
}

{
  const view = byId("matrix-view");
  const curve = byId("matrix-class");
  const show = () => {
    for (const box of all("#matrix [data-view]")) box.hidden = box.dataset.view !== view.value;
    for (const cell of all("#matrix [data-class]")) cell.hidden = curve.value !== "" && cell.dataset.class !== curve.value;
    for (const head of all("#matrix [data-group]")) head.colSpan = curve.value ? 1 : data.classes.length;
  };
  view.addEventListener("change", show);
  curve.addEventListener("change", show);
  show();
}

for (const box of all("[data-filter-for]")) {
  const table = byId(box.dataset.filterFor);
  const buttons = all("button", box);
  const show = (chosen) => {
    for (const it of buttons) it.setAttribute("aria-pressed", String(it === chosen));
    const wanted = chosen.dataset.show.split(" ");
    for (const row of all("tbody tr", table)) row.hidden = chosen.dataset.show !== "" && !wanted.includes(row.dataset.verdict);
  };
  for (const it of buttons) it.addEventListener("click", () => show(it));
  show(buttons.find((it) => it.getAttribute("aria-pressed") === "true"));
}

for (const box of all("[data-filters-for]")) {
  const table = byId(box.dataset.filtersFor);
  const selects = all("select", box);
  const show = () => {
    for (const row of all("tbody tr", table)) {
      row.hidden = selects.some((it) => it.value !== "" && row.dataset[it.dataset.by] !== it.value);
    }
    limit(table);
  };
  for (const it of selects) it.addEventListener("change", show);
  show();
}

for (const table of all("table[data-sortable]")) limit(table);
