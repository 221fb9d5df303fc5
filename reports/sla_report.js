"use strict";

/* How many rows are drawn at first: a browser takes a second to lay out thousands. On paper all are. */
const LIMIT = 200;

const COLLATOR = new Intl.Collator("en", { numeric: true });

for (const table of document.querySelectorAll("table")) {
  const view = { rows: [...table.tBodies[0].rows], words: [], limit: LIMIT, texts: new Map() };
  const draw = drawing(table, view);
  makeSortable(table, view, draw);
  makeFilterable(table, view, draw);
  draw();
}

/* What hides the rows that are not wanted, says how many there are, and offers to show all of them. */
function drawing(table, view) {
  const count = document.querySelector(`output[for="${table.id.replace("-table", "-filter")}"]`);
  const more = document.createElement("button");
  more.type = "button";
  more.className = "more";
  table.parentElement.after(more);
  more.addEventListener("click", () => {
    view.limit = Infinity;
    draw();
  });
  return draw;

  function draw() {
    let found = 0;
    for (const row of view.rows) {
      row.hidden = !view.words.every((word) => view.texts.get(row).includes(word));
      found += row.hidden ? 0 : 1;
      row.classList.toggle("later", found > view.limit);
    }
    more.hidden = found <= view.limit;
    more.textContent = `Show all ${found.toLocaleString("en")}`;
    if (count) {
      const all = view.rows.length.toLocaleString("en");
      count.textContent = view.words.length ? `${found.toLocaleString("en")} of ${all} found` : "";
    }
  }
}

/* Puts a button into each heading; a click sorts by that column, another one the other way round. */
function makeSortable(table, view, draw) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      headings.forEach((other) => other.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
      sort(view.rows, column, heading.classList.contains("text") ? byText : byNumber, direction);
      const sorted = document.createDocumentFragment();
      view.rows.forEach((row) => sorted.append(row));
      table.tBodies[0].append(sorted);
      draw();
    });
  });
}

function sort(rows, column, kind, direction) {
  const keys = new Map(rows.map((row) => [row, kind.key(row.cells[column])]));
  rows.sort((one, other) => kind.compare(keys.get(one), keys.get(other), direction));
}

const byText = {
  key: (cell) => cell.textContent,
  compare: (one, other, direction) => COLLATOR.compare(one, other) * direction,
};

/* What is no number comes last in either direction. */
const byNumber = {
  key: (cell) => Number.parseFloat(cell.dataset.key ?? cell.textContent.replaceAll(",", "")),
  compare: (one, other, direction) =>
    Number.isNaN(one) || Number.isNaN(other) ? Number.isNaN(one) - Number.isNaN(other) : (one - other) * direction,
};

/* Uncovers the box above a table, if it has one; a row is found if all words in the box occur in it. */
function makeFilterable(table, view, draw) {
  const box = document.getElementById(table.id.replace("-table", "-filter"));
  if (!box) {
    return;
  }
  for (const row of view.rows) {
    view.texts.set(row, [...row.cells].map((cell) => cell.textContent).join("\n").toLowerCase());
  }
  box.parentElement.hidden = false;
  box.addEventListener("input", () => {
    view.words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    draw();
  });
}
