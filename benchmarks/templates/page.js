// Sorts tables by a click on a column's head and filters their rows. No library, no network.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort");
      const first = head.dataset.first || "descending";
      const other = first === "descending" ? "ascending" : "descending";
      const order = was === first ? other : first;
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const body = table.tBodies[0];
      const key = (row) => row.cells[column].dataset.sort;
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => {
        if (a === "" || b === "") return (a === "") - (b === "");
        const [x, y] = [Number(a), Number(b)];
        const ordered = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
        return order === "ascending" ? ordered : -ordered;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}

const text = document.querySelector("#filter");
const boxes = [...document.querySelectorAll("input[data-hides]")];
const filter = () => {
  const words = text ? text.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
  const hidden = boxes.filter((box) => !box.checked).map((box) => box.dataset.hides);
  for (const row of document.querySelectorAll("[data-filter]")) {
    const said = row.dataset.filter.toLowerCase();
    row.hidden =
      !words.every((word) => said.includes(word)) ||
      hidden.some((kind) => row.classList.contains(kind));
  }
  for (const table of document.querySelectorAll("table.filtered")) {
    const none = [...table.tBodies[0].rows].every((row) => row.hidden);
    table.classList.toggle("empty", none);
  }
};
text?.addEventListener("input", filter);
boxes.forEach((box) => box.addEventListener("change", filter));
filter();
