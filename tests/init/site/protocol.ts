import type { Source } from "../../../src/core/distribution/distribution.ts";
import type { StoredErasure } from "../../../src/core/erasure/stored-erasure.ts";
import type { PromotionRequest } from "../../../src/core/image/stream/promotion.ts";
import type { MachineEvent } from "../../../src/core/machine/event.ts";
import type { Firmware, Machine } from "../../../src/core/machine/record.ts";
import type { WorkProgress } from "../../../src/core/machine/work-progress.ts";

/** The properties of a site's servers: parts of the configuration that replace the usual ones. */
export type SiteFacts = {
  readonly config?: { readonly [key: string]: unknown };
  /** The agent that the server hands out; it has none, if this is left out. */
  readonly agent?: { readonly native: string; readonly script: string };
  /** Another server of the same database, which machines hear of in their orders, or only when their agents poll. */
  readonly secondServer?: "inOrders" | "inPolls";
  /** Other machines that have the image; without them, machines do not fetch from each other. */
  readonly peers?: {
    readonly sources: readonly Source[];
    /** The keys of one answer after the other, the last ones for all that follow. */
    readonly keys: readonly (readonly string[])[];
  };
};

/** The certificate that a site's machines trust, and its key. */
export type SiteAuthority = { readonly caPem: string; readonly caKeyPem: string };

/** The servers that machines connect to. */
export type ServerKind = "machines" | "http";

/** Requests of the test's thread to the servers' thread; `nowMs` is the true time. */
export type SiteRequest = { readonly site: number; readonly nowMs: number } & (
  | { readonly kind: "open"; readonly facts: SiteFacts & SiteAuthority }
  | { readonly kind: "close" }
  /** A machine's firmware requests its boot script. */
  | { readonly kind: "boot"; readonly mac: string; readonly firmware: Firmware }
  | { readonly kind: "apply"; readonly event: MachineEvent }
  /** An operator promotes a version of the image `compute`. */
  | { readonly kind: "promote"; readonly asked: PromotionRequest }
  | { readonly kind: "machine"; readonly mac: string }
  | { readonly kind: "log"; readonly mac: string }
  /** All progress that the servers have heard of. */
  | { readonly kind: "progress" }
  /** The erasures that the MDB keeps. */
  | { readonly kind: "erasures" }
  /** The server's process ends and another one starts on the same database. */
  | { readonly kind: "restart" }
  | { readonly kind: "connect"; readonly server: ServerKind; readonly conversation: number }
  | { readonly kind: "exchange"; readonly conversation: number; readonly bytes: Uint8Array }
  /** A datagram to the port for log lines. */
  | { readonly kind: "datagram"; readonly from: string; readonly bytes: Uint8Array }
  | { readonly kind: "hangUp"; readonly conversation: number }
);

/** The boot script's effect on a machine's firmware. */
export type BootAnswer =
  | { readonly kind: "bootstrapImage"; readonly commandLine: string }
  | { readonly kind: "localDisk" }
  | { readonly kind: "waits"; readonly why: string };

/** The answers; each question has one. */
export type SiteAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "boot"; readonly answer: BootAnswer }
  | { readonly kind: "machine"; readonly machine: Machine | undefined }
  | { readonly kind: "progress"; readonly heard: readonly WorkProgress[] }
  | { readonly kind: "erasures"; readonly kept: readonly StoredErasure[] }
  | { readonly kind: "log"; readonly lines: readonly string[] }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly closed: boolean }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "broken"; readonly error: unknown };

const orders: readonly SiteRequest["kind"][] = ["open", "close", "restart", "connect", "hangUp", "datagram"];

/** Whether the sender waits for an answer; other requests are only executed, in order. */
export function isQuestion({ kind }: SiteRequest): boolean {
  return !orders.includes(kind);
}
