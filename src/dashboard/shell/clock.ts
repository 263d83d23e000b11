import { signal } from "@preact/signals";

/** The server's time, from second to second, for ages on the screen; it stands still while the page is hidden. */
export const nowMs = signal(Date.now());

let aheadMs = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Sets the clock of the screen by the server's: ages must not depend on the clock of the browser. */
export function setServerTime(serverMs: number): void {
  aheadMs = serverMs - Date.now();
  tick();
}

function tick(): void {
  nowMs.value = Date.now() + aheadMs;
}

/** Lets the clock run while the page is seen. */
export function startClock(): void {
  const follow = () => {
    clearInterval(timer);
    timer = document.hidden ? undefined : setInterval(tick, 1000);
    tick();
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}
