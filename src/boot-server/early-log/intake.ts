import { plainText } from "../../core/bytes/plain-text.ts";
import { shortBootId } from "../../core/machine/log-line.ts";
import { orderActionOf } from "../../core/machine/next-boot.ts";
import { phases } from "../../core/machine/phase.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { unverifiedText } from "../../core/machine/unverified-line.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import { type Network, networkContains } from "../../core/network/network.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { longestDatagram, readSyslog } from "../../core/syslog/message.ts";

/** Lines a minute of one machine, all of which may come at once: a boot sends its kernel's latest 200 and init's. */
export const linesPerMinute = 1200;
/** Lines a minute of all machines: of a hall that starts at once, some lines are lost, and come by TLS a little later. */
export const allLinesPerMinute = 120_000;
const everyone = "all";

/** The log lines that machines send by UDP before TLS is up. */
export type EarlyLogIntake = {
  /** Takes a datagram, or drops it: nothing is answered, and no record changes. */
  readonly receive: (datagram: Uint8Array, from: Ipv4) => void;
  /** Hands what was taken to the machines' logs. */
  readonly flush: () => void;
};

type IntakeDeps = {
  readonly networks: readonly Network[];
  readonly store: Pick<Store, "byAddress" | "addEarlyLog">;
  readonly clock: Clock;
  readonly log: Log;
};

/** Takes lines only from the temporary addresses of machines that are on their way to their order, within limits. */
export function openEarlyLogIntake({ networks, store, clock, log }: IntakeDeps): EarlyLogIntake {
  const rates: RequestRates = new Map();
  const inAll: RequestRates = new Map();
  const taken = new Map<MachineId, { readonly boot: string; readonly lines: string[] }>();

  function flushOne(id: MachineId): void {
    const waiting = taken.get(id);
    taken.delete(id);
    if (waiting !== undefined) store.addEarlyLog(id, waiting.lines, waiting.boot);
  }
  function isAdmitted(machine: Machine, from: Ipv4): boolean {
    const nowMs = clock.monotonicMs();
    const own = admitRequest(rates, machine.id, { perMinute: linesPerMinute, nowMs });
    const all = own.kind === "refused" ? own : admitRequest(inAll, everyone, { perMinute: allLinesPerMinute, nowMs });
    if (all.kind === "refused" && all.say)
      log("warn", "too many log lines by UDP; further ones are dropped for a while", {
        ...(own.kind === "refused" ? { machine: machine.id, address: formatIpv4(from) } : {}),
        perMinute: own.kind === "refused" ? linesPerMinute : allLinesPerMinute,
      });
    return all.kind === "admitted";
  }

  return {
    receive: (datagram, from) => {
      if (datagram.length > longestDatagram) return;
      if (!networks.some((network) => networkContains(network, from))) return;
      const machine = store.byAddress(from);
      if (machine?.temporaryAddress !== from || !awaitsOrder(machine) || !isAdmitted(machine, from)) return;
      const message = readSyslog(datagram);
      const boot = message && shortBootId(message.boot);
      if (message === undefined || boot === undefined || !isBootOf(machine, boot)) return;
      if (taken.get(machine.id)?.boot !== boot) flushOne(machine.id);
      const waiting = taken.get(machine.id) ?? { boot, lines: [] };
      taken.set(machine.id, waiting);
      waiting.lines.push(unverifiedText(message.sequence, plainText(message.text)));
    },
    flush: () => {
      for (const id of taken.keys()) flushOne(id);
    },
  };
}

const lastPhase = phases.indexOf("initUp");

/**
 * Whether a machine has the Bootstrap Image, or soon, and has not reported by TLS more than that init runs. The signed image gets its
 * order with its settings: it may speak before.
 */
function awaitsOrder(machine: Machine): boolean {
  const { order, phase } = machine;
  const due = order !== undefined || orderActionOf(machine) !== undefined;
  return due && phase !== undefined && phases.indexOf(phase) <= lastPhase;
}

/** While the boot that has taken the order runs, lines of another one would divide its log. */
function isBootOf({ order, phase }: Machine, boot: string): boolean {
  return order?.taken === undefined || phase !== "initUp" || shortBootId(order.taken.bootId) === boot;
}
