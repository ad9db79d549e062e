// Everything here is an extra: the page says the same without it.
"use strict";

function themeButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "theme";
  const dark = () => document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { button.textContent = dark() ? "light" : "dark"; };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    name();
  });
  name();
  document.querySelector("main").prepend(button);
}

const UNITS = { ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, k: 1e3, M: 1e6, G: 1e9 };

function valueOf(text) {
  const match = /^\s*(?:atol )?(-?[\d.]+(?:e[+-]?\d+)?)\s*([a-zµA-Z]*)/.exec(text);
  return match ? Number(match[1]) * (UNITS[match[2]] || 1) : NaN;
}

function sortBy(table, column, descending) {
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].textContent.trim();
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [valueOf(key(one)), valueOf(key(other))];
    return Number.isNaN(a) || Number.isNaN(b) ? key(one).localeCompare(key(other)) : a - b;
  });
  if (descending) rows.reverse();
  body.append(...rows);
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent;
    button.title = "sort";
    cell.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = cell.getAttribute("aria-sort") === "ascending";
      for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sortBy(table, column, descending);
    });
  });
}

themeButton();
document.querySelectorAll("table.sortable").forEach(makeSortable);
