import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fleetVersion } from "./fleet.ts";
import { type Fault, send } from "./http.ts";

/** What a route answers, kept fresh while the fleet changes; the last answer stays while a newer one fails. */
export type Held<T> = { readonly value: T | undefined; readonly fault: Fault | undefined };

/**
 * Asks a route now and again after the fleet has changed, at most every `everyMs`; `isConcerned` says which changes count. A
 * hidden page asks nothing.
 */
export function useAnswer<T>(path: string, everyMs = 2000): Held<T> {
  const held = useSignal<Held<T>>({ value: undefined, fault: undefined });
  useEffect(() => {
    let ended = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    held.value = { value: undefined, fault: undefined };
    const ask = async () => {
      const answer = await send<T>(path);
      if (ended) return;
      held.value =
        answer.kind === "answer"
          ? { value: answer.value, fault: undefined }
          : { value: held.value.value, fault: answer.fault };
    };
    void ask();
    const end = fleetVersion.subscribe(() => {
      if (document.hidden) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        void ask();
      }, everyMs);
    });
    return () => {
      ended = true;
      clearTimeout(timer);
      end();
    };
  }, [path, everyMs]);
  return held.value;
}
