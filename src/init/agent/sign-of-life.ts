import * as host from "host";
import { messageOf } from "../birth/stop.ts";
import { readTextIfThere, writeText } from "../system/files.ts";
import type { PidOneDuties } from "./pid-one.ts";

const writeEveryMs = 5000;

/** In memory, where only root writes: nothing of it outlives a boot. */
const pathIn = (root: string) => `${root}/run/birther-agent-alive`;

/**
 * The duties of an agent that a supervisor has started: a sign of life, so that it is started again if it hangs in a call that never
 * returns. Without a place for the sign the supervisor never judges it.
 */
export function supervisedDuties(root: string): PidOneDuties {
  let nextMs = 0;
  return {
    alive: () => {
      const nowMs = host.monotonicMs();
      if (nowMs < nextMs) return;
      nextMs = nowMs + writeEveryMs;
      try {
        writeText(pathIn(root), `${Math.round(nowMs)}\n`, 0o600);
      } catch (error) {
        print(`warn: no sign of life can be given ${JSON.stringify({ fault: messageOf(error) })}`);
        nextMs = Number.POSITIVE_INFINITY;
      }
    },
    allowForRestart: () => undefined,
  };
}

/** When an agent last gave a sign of life, on the monotonic clock; undefined if none did, or one is just being written. */
export function readSignOfLife(root: string): number | undefined {
  const text = readTextIfThere(pathIn(root))?.trim() ?? "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
