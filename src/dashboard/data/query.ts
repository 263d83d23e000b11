import { useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { fleetVersion } from "./fleet.ts";
import { type Fault, send } from "./http.ts";

/** What a route answers, kept fresh while the fleet changes; the last answer stays while a newer one fails. */
export type Held<T> = { readonly value: T | undefined; readonly fault: Fault | undefined };

const nothing = { value: undefined, fault: undefined };

/** What time alone changes, such as a rate or a deadline, is asked for this often while nothing else changes. */
const quietMs = 15_000;

/**
 * Asks a route now and again after the fleet has changed, at most every `everyMs`; while nothing changes every 15 s, because
 * rates fall and deadlines pass. A hidden page asks nothing, and asks when it is seen again.
 */
export function useAnswer<T>(path: string, everyMs = 2000): Held<T> {
  const held = useSignal<Held<T>>(nothing);
  useLayoutEffect(() => {
    let ended = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    held.value = nothing;
    const askIn = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), ms);
    };
    let soon = false;
    // One question at a time: an older answer must not come after a newer one and stay.
    let isAsking = false;
    const ask = async () => {
      soon = false;
      if (!document.hidden) {
        isAsking = true;
        const answer = await send<T>(path);
        if (ended) return;
        isAsking = false;
        held.value =
          answer.kind === "answer"
            ? { value: answer.value, fault: undefined }
            : { value: held.value.value, fault: answer.fault };
      }
      askIn(soon ? everyMs : Math.max(everyMs, quietMs));
    };
    const askSoon = (ms: number) => {
      if (document.hidden || soon) return;
      soon = true;
      if (!isAsking) askIn(ms);
    };
    void ask();
    const end = fleetVersion.subscribe(() => askSoon(everyMs));
    const see = () => askSoon(0);
    document.addEventListener("visibilitychange", see);
    return () => {
      ended = true;
      clearTimeout(timer);
      end();
      document.removeEventListener("visibilitychange", see);
    };
  }, [path, everyMs]);
  return held.value;
}
