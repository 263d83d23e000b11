import { readFileSync } from "node:fs";
import type { KernelLimits } from "../../core/network/kernel-limits.ts";

/** Reads the kernel's limits; some are invisible in a network namespace. */
export function readKernelLimits(): KernelLimits {
  const receiveBufferMaxBytes = read("core/rmem_max");
  const neighbourMax = read("ipv4/neigh/default/gc_thresh3");
  return {
    ...(receiveBufferMaxBytes === undefined ? {} : { receiveBufferMaxBytes }),
    ...(neighbourMax === undefined ? {} : { neighbourMax }),
  };
}

function read(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/net/${name}`, "utf8"));
  } catch {
    return undefined;
  }
}
