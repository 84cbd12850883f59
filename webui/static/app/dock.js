// The dock: where cards of calls and meetings stand. What is new is painted over the page; only then the page makes room,
// since to lay a page full of rows out anew takes longer than to paint the card somebody waits for (B2).

const AFTER_THE_CARD_MILLISECONDS = 50;
const narrow = matchMedia("(max-width: 767px)");
let waiting = false;

export function startDock() {
  const dock = document.getElementById("dock");
  new MutationObserver(() => settle(dock)).observe(dock, { childList: true });
  // On a telephone the cards lie over the end of the page, which then has to be that much longer. A style of the body
  // styles the whole page anew, so nowhere else.
  const observer = new ResizeObserver(() => narrow.matches && lengthen(dock.offsetHeight));
  observer.observe(dock);
  narrow.addEventListener("change", () => lengthen(narrow.matches ? dock.offsetHeight : 0));
  settle(dock);
}

function settle(dock) {
  if (!dock.childElementCount) dock.classList.remove("dock-beside");
  if (!dock.childElementCount || waiting || dock.classList.contains("dock-beside")) return;
  waiting = true;
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
    waiting = false;
    dock.classList.toggle("dock-beside", dock.childElementCount > 0);
  }, AFTER_THE_CARD_MILLISECONDS)));
}

function lengthen(pixels) {
  document.body.style.setProperty("--dock-height", `${pixels}px`);
}
