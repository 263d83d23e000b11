import { poolSize } from "../dhcp/pool/address-pool.ts";
import { type Network, permanentPart } from "./network.ts";

/** Limits of the kernel, as far as they could be read. */
export type KernelLimits = {
  /** `net.core.rmem_max`, bytes. */
  readonly receiveBufferMaxBytes?: number;
  /** `net.ipv4.neigh.default.gc_thresh3`, entries. */
  readonly neighbourMax?: number;
};

/** A limit that is too low: the consequence, and the command that raises it. */
export type LimitFault = { readonly message: string; readonly next: string };

/** Maximum number of machines assumed per network, even if its prefix is larger. */
const neighboursOfWire = 16_384;

/** The kernel limits that are too low for these networks. Buffers count only if they were not granted in full. */
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
      message: `net.core.rmem_max: expected at least ${receiveBufferBytes}, found ${receiveBufferMaxBytes}; when a rack powers on, requests may be lost and repeated after seconds`,
      next: `sysctl -w net.core.rmem_max=${receiveBufferBytes}`,
    });
  const neighbours = networks.reduce((sum, network) => sum + neighboursOf(network), 0);
  if (neighbourMax !== undefined && neighbourMax < neighbours)
    faults.push({
      message: `neighbour table: expected room for ${neighbours} machines, found ${neighbourMax}; the kernel drops packets to further machines`,
      next: `sysctl -w net.ipv4.neigh.default.gc_thresh3=${neighbours * 2} net.ipv4.neigh.default.gc_thresh2=${neighbours}`,
    });
  return faults;
}

/** Machines behind a relay are not in the neighbour table. A machine has one address at a time, temporary or permanent. */
function neighboursOf(network: Network): number {
  if (network.interface === undefined) return 0;
  const permanent = 2 ** (32 - permanentPart(network).prefix.length) - 2;
  return Math.min(neighboursOfWire, Math.max(poolSize(network.temporaryPool), permanent));
}
