import type { DhcpPacket } from "../../dhcp/codec/packet.ts";
import type { Client } from "../client.ts";
import { type Attempt, askLocal } from "./attempt.ts";
import { type Lesson, rankMethods } from "./lesson.ts";
import type { LocalMethod } from "./method-table.ts";
import { type LocalClient, localClientOf, methodsOf, usableMethods } from "./methods.ts";

/** What is known about sending a machine to its disk. */
export type LocalHistory = {
  /** The latest attempt of this NIC and stage. */
  readonly attemptOf: (client: LocalClient) => Attempt | undefined;
  /** The lessons about its model. */
  readonly lessonOn: (client: LocalClient) => Lesson | undefined;
  /** By the monotonic clock, as the times of attempts. */
  readonly nowMs: number;
};

/** For clients without any history. */
export const noLocalHistory: LocalHistory = { attemptOf: () => undefined, lessonOn: () => undefined, nowMs: 0 };

/** An attempt to remember once it has been answered. */
export type LocalTry = { readonly client: LocalClient; readonly attempt: Attempt };

/** How a client is sent to its disk; undefined for a client that does not boot. */
export function tryLocal(given: {
  readonly client: Client;
  readonly packet: DhcpPacket;
  readonly history: LocalHistory;
  /** Whether another DHCP server leases the addresses. */
  readonly proxy: boolean;
}): LocalTry | undefined {
  const { client, packet, history, proxy } = given;
  const kind = localClientOf(client);
  if (kind === undefined) return undefined;
  const [best = methodsOf[kind][0], ...others] = rankMethods(usableMethods(client, { proxy }), history.lessonOn(kind));
  if (best === undefined) return undefined;
  const discover = packet.options.dhcpMessageType === "discover";
  const terms = { methods: [best, ...others], session: packet.xid, discover } as const;
  return { client: kind, attempt: askLocal(history.attemptOf(kind), terms, history.nowMs) };
}

/**
 * The attempt of a client that takes the offer of another server, as it must be remembered then: it was not sent to its disk
 * from here. The other server may lag behind and install it. Undefined if nothing was offered.
 */
export function tookElsewhere(client: Client, history: LocalHistory): LocalTry | undefined {
  const kind = localClientOf(client);
  const attempt = kind === undefined ? undefined : history.attemptOf(kind);
  if (kind === undefined || attempt?.outcome !== "offered") return undefined;
  return { client: kind, attempt: { ...attempt, outcome: "elsewhere" } };
}

/** How iPXE's script exits, also for a machine whose latest DHCP answer is no longer remembered. */
export function scriptMethod(client: LocalClient & ("uefiIpxe" | "biosIpxe"), history: LocalHistory): LocalMethod {
  const attempt = history.attemptOf(client);
  const [best = "scriptExit"] = rankMethods(methodsOf[client], history.lessonOn(client));
  return attempt?.method ?? best;
}
