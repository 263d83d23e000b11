import type { Kernel } from "../kernel.ts";
import type { Child } from "../system/child.ts";

/** The port that it says to listen on. */
export const peerServerPort = 7000;

/**
 * birther-peer: says that it listens, and runs until it is killed. Nobody connects to this machine here; what it was told of keys and
 * limits is in `kernel.ran` after its end.
 */
export function startPeerServer(kernel: Kernel, pid: number): Child {
  const { files, ran } = kernel;
  files.get(pid, 1).write?.(Buffer.from(`listening ${peerServerPort}\n`));
  let signal = 0;
  return {
    hasEnded: () => signal !== 0,
    status: () => signal,
    kill: (by) => {
      const buffer = new Uint8Array(1 << 12);
      const count = files.get(pid, 0).read?.(buffer) ?? 0;
      ran.push(`birther-peer served: ${Buffer.from(buffer.subarray(0, count)).toString("utf8").trim()}`);
      files.closeAll(pid);
      signal = by;
    },
  };
}
