import type { StoredErasure } from "../../../src/core/erasure/stored-erasure.ts";
import type { PromotionRequest } from "../../../src/core/image/stream/promotion.ts";
import type { MachineEvent } from "../../../src/core/machine/event.ts";
import type { Firmware, Machine } from "../../../src/core/machine/record.ts";
import type { WorkProgress } from "../../../src/core/machine/work-progress.ts";
import { makeAuthority } from "../../native/certificates.ts";
import type { Conversation, Listener } from "../host/devices/network.ts";
import type { WorldClock } from "../host/system/cpu.ts";
import type { BootAnswer, ServerKind, SiteFacts } from "./protocol.ts";
import { askServers, sendToServers } from "./server-thread.ts";

const authority = await makeAuthority("fake site's CA");

/** The only certificate that the site's machines trust. */
export const caPem = authority.pem;
const caKeyPem = await authority.keyPem();

/** A site's real servers, reached without sockets; each function waits for its answer. */
export type Site = {
  readonly world: WorldClock;
  /** The listeners by `ADDRESS:PORT`. */
  readonly listeners: Map<string, Listener>;
  /** What a machine sends by UDP: only log lines are taken. */
  readonly datagram: (endpoint: string, from: string, bytes: Uint8Array) => void;
  readonly boot: (mac: string, firmware: Firmware) => BootAnswer;
  /** Applies an event as an operator's request would; throws if the MDB refuses. */
  readonly apply: (event: MachineEvent) => void;
  /** Promotes a version of the image `compute`; throws where the MDB refuses. */
  readonly promote: (asked: PromotionRequest) => void;
  readonly machine: (mac: string) => Machine;
  readonly log: (mac: string) => readonly string[];
  readonly progress: () => readonly WorkProgress[];
  /** The erasures that the MDB keeps, oldest first. */
  readonly erasures: () => readonly StoredErasure[];
  readonly restart: () => void;
  readonly close: () => void;
};

let lastSite = 0;
let lastConversation = 0;

/** Opens the servers of a new site with an empty database. */
export function openSite(facts: SiteFacts = {}): Site {
  lastSite += 1;
  const site = lastSite;
  const world: WorldClock = { nowMs: Date.now() };
  const own = () => ({ site, nowMs: Math.round(world.nowMs) });
  sendToServers({ kind: "open", facts: { ...facts, caPem, caKeyPem }, ...own() });

  function connect(server: ServerKind): Conversation {
    lastConversation += 1;
    const conversation = lastConversation;
    sendToServers({ kind: "connect", server, conversation, ...own() });
    return {
      exchange: (bytes) => {
        const said = askServers({ kind: "exchange", conversation, bytes, ...own() });
        if (said.kind !== "bytes") throw new Error(`the servers' thread answered exchange with ${said.kind}`);
        return said;
      },
      close: () => sendToServers({ kind: "hangUp", conversation, ...own() }),
    };
  }
  const { notBefore, notAfter } = authority.certificate;
  const tls = { caPem, serverName: "birther", fromMs: notBefore.getTime(), toMs: notAfter.getTime() };
  const second = facts.secondServer === undefined ? [] : ["10.77.0.2", "10.77.1.2"];
  const addresses = ["10.77.0.1", "10.77.1.1", ...second];
  return {
    world,
    listeners: new Map([
      ...addresses.map((address): [string, Listener] => [
        `${address}:443`,
        { connect: () => connect("machines"), tls },
      ]),
      ...addresses.map((address): [string, Listener] => [`${address}:80`, { connect: () => connect("http") }]),
    ]),
    datagram: (endpoint, from, bytes) => {
      if (endpoint === "10.77.0.1:514") sendToServers({ kind: "datagram", from, bytes, ...own() });
    },
    boot: (mac, firmware) => {
      const said = askServers({ kind: "boot", mac, firmware, ...own() });
      if (said.kind !== "boot") throw new Error(`the servers' thread answered boot with ${said.kind}`);
      return said.answer;
    },
    apply: (event) => {
      const said = askServers({ kind: "apply", event, ...own() });
      if (said.kind === "refused") throw new Error(`the MDB refuses ${event.kind}: ${said.why}`);
    },
    promote: (asked) => {
      const said = askServers({ kind: "promote", asked, ...own() });
      if (said.kind === "refused") throw new Error(`the MDB refuses the promotion: ${said.why}`);
    },
    machine: (mac) => {
      const said = askServers({ kind: "machine", mac, ...own() });
      if (said.kind !== "machine") throw new Error(`the servers' thread answered machine with ${said.kind}`);
      if (said.machine === undefined) throw new Error(`the MDB has no machine ${mac}`);
      return said.machine;
    },
    log: (mac) => {
      const said = askServers({ kind: "log", mac, ...own() });
      return said.kind === "log" ? said.lines : [];
    },
    progress: () => {
      const said = askServers({ kind: "progress", ...own() });
      return said.kind === "progress" ? said.heard : [];
    },
    erasures: () => {
      const said = askServers({ kind: "erasures", ...own() });
      return said.kind === "erasures" ? said.kept : [];
    },
    restart: () => sendToServers({ kind: "restart", ...own() }),
    close: () => sendToServers({ kind: "close", ...own() }),
  };
}
