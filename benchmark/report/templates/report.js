"use strict";

const compare = (one, other) => {
  if (one === "" || other === "") return (one === "") - (other === "");
  const difference = Number(one) - Number(other);
  return Number.isNaN(difference) ? one.localeCompare(other, "en", { numeric: true }) : difference;
};

const key = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.value ?? cell.textContent.trim();
};

const sort = (table, head) => {
  const column = Number(head.dataset.column);
  const bestIsHigh = head.classList.contains("number") && !head.classList.contains("lower");
  const before = head.getAttribute("aria-sort");
  const ascending = before ? before === "descending" : !bestIsHigh;
  for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [key(row, column), row]);
  const filled = rows.filter(([value]) => value !== "");
  const blank = rows.filter(([value]) => value === "");
  filled.sort(([one], [other]) => (ascending ? compare(one, other) : compare(other, one)));
  body.append(...[...filled, ...blank].map(([, row]) => row));
};

const filter = (table, words, count) => {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
  }
  const shown = rows.filter((row) => !row.hidden).length;
  count.textContent = shown < rows.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
};

for (const table of document.querySelectorAll("table.grid")) {
  for (const head of table.tHead.querySelectorAll("[data-column]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(table, head));
    head.replaceChildren(button);
  }
  if (table.tBodies[0].rows.length > 3) {
    const field = document.createElement("input");
    field.type = "search";
    field.className = "filter";
    field.placeholder = "Show rows with …";
    field.setAttribute("aria-label", `Filter ${table.closest("figure").querySelector("figcaption").textContent}`);
    const count = document.createElement("span");
    count.className = "count";
    count.setAttribute("role", "status");
    field.addEventListener("input", () => filter(table, field.value, count));
    filter(table, "", count);
    table.closest(".scroll").before(field, count);
  }
}

// On a phone the glossary would push the results far down.
if (window.matchMedia("(max-width: 40rem)").matches) {
  for (const long of document.querySelectorAll("details.folded")) long.open = false;
}

// What is folded on screen belongs on paper.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
