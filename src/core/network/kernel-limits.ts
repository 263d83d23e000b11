import { poolSize } from "../dhcp/pool/address-pool.ts";
import { type Network, permanentPart } from "./network.ts";

/** Limits of this computer's kernel, as far as they could be read. */
export type KernelLimits = {
  /** `net.core.rmem_max`, bytes. */
  readonly receiveBufferMaxBytes?: number;
  /** `net.ipv4.neigh.default.gc_thresh3`, entries. */
  readonly neighbourMax?: number;
};

/** A limit that is too low: what comes of it, and the command that mends it. */
export type LimitFault = { readonly message: string; readonly next: string };

/** Most machines that one wire is reckoned to have, however large its prefix is. */
const neighboursOfWire = 16_384;

/** What the kernel does not allow that these networks may need. Buffers count only where they were not granted in full. */
export function limitFaults(
  limits: KernelLimits,
  needs: {
    readonly networks: readonly Network[];
    readonly receiveBufferBytes: number;
    readonly bufferGranted: boolean;
  },
): readonly LimitFault[] {
  const { receiveBufferMaxBytes, neighbourMax } = limits;
  const { networks, receiveBufferBytes, bufferGranted } = needs;
  const faults: LimitFault[] = [];
  if (!bufferGranted && receiveBufferMaxBytes !== undefined && receiveBufferMaxBytes < receiveBufferBytes)
    faults.push({
      message: `net.core.rmem_max is ${receiveBufferMaxBytes}: when a rack powers on, requests may be lost and come again after seconds`,
      next: `sysctl -w net.core.rmem_max=${receiveBufferBytes}`,
    });
  const neighbours = networks.reduce((sum, network) => sum + neighboursOf(network), 0);
  if (neighbourMax !== undefined && neighbourMax < neighbours)
    faults.push({
      message: `the neighbour table takes ${neighbourMax} machines, the networks have room for ${neighbours}: beyond that the kernel drops what is sent to them`,
      next: `sysctl -w net.ipv4.neigh.default.gc_thresh3=${neighbours * 2} net.ipv4.neigh.default.gc_thresh2=${neighbours}`,
    });
  return faults;
}

/** Who is behind a relay is no neighbour of ours. A machine has one address at a time, temporary or permanent. */
function neighboursOf(network: Network): number {
  if (network.interface === undefined) return 0;
  const permanent = 2 ** (32 - permanentPart(network).prefix.length) - 2;
  return Math.min(neighboursOfWire, Math.max(poolSize(network.temporaryPool), permanent));
}
