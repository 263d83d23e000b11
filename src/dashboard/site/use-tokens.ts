import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { TokenView } from "../../contract/operator/token.ts";
import { type Fault, send } from "../data/http.ts";

/** The tokens, undefined until they were read, and a way to read them again after a change. */
export function useTokens() {
  const tokens = useSignal<readonly TokenView[] | undefined>(undefined);
  const fault = useSignal<Fault | undefined>(undefined);
  const asked = useRef(0);
  const reload = async () => {
    asked.current += 1;
    const number = asked.current;
    const answer = await send<{ tokens: readonly TokenView[] }>("/v1/tokens");
    // Asked again meanwhile, after another change.
    if (number !== asked.current) return;
    fault.value = answer.kind === "fault" ? answer.fault : undefined;
    if (answer.kind === "answer") tokens.value = answer.value.tokens;
  };
  useLayoutEffect(() => {
    void reload();
  }, []);
  return { tokens: tokens.value, fault: fault.value, reload };
}
