// Lists put in order with the mouse; the keyboard has its own buttons in each row.

/** Listen once. Rows of [data-sortable] have data-move, where their new place is sent to. */
export function startSortable() {
  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-sortable] > [data-move]") || null;
    if (!dragged) return;
    dragged.dataset.dragged = "";
    event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragover", (event) => {
    const over = event.target.closest?.("[data-sortable] > [data-move]");
    if (!dragged || !over || over.parentElement !== dragged.parentElement) return;
    event.preventDefault();
    if (over === dragged) return;
    const middle = over.getBoundingClientRect().top + over.offsetHeight / 2;
    over.parentElement.insertBefore(dragged, event.clientY < middle ? over : over.nextElementSibling);
  });
  document.addEventListener("drop", (event) => dragged && event.preventDefault());
  document.addEventListener("dragend", () => {
    if (!dragged) return;
    delete dragged.dataset.dragged;
    const place = [...dragged.parentElement.children].indexOf(dragged) + 1;
    window.htmx.ajax("POST", dragged.dataset.move, { source: "#nav", target: "#main", select: "#main", swap: "outerHTML", values: { action: "move", place } });
    dragged = null;
  });
}
