// Keeps what is pressed on the page before its scripts have started, and presses it for them: a click is not lost on a slow machine.
// No module: a module would itself come too late.

(() => {
  const KEPT_MS = 10000; // who waited longer has gone on to something else
  const pressed = new Map(); // button -> when

  function keep(event) {
    const button = event.target.closest("#main button[type=button]");
    if (!button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    pressed.set(button, performance.now());
  }

  addEventListener("click", keep, true);
  addEventListener(
    "callcenter:started",
    () => {
      removeEventListener("click", keep, true);
      for (const [button, at] of pressed) if (button.isConnected && performance.now() - at < KEPT_MS) button.click();
    },
    { once: true },
  );
})();
