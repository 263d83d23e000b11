/**
 * The documents that the MDB stores beside the machines, one schema a kind. Keys that a schema does not name are read past: a
 * newer server on the same database may have added them.
 */
import * as v from "valibot";
import type { DeclinedAddress } from "../core/dhcp/pool/declined.ts";
import type { StoredErasure } from "../core/erasure/stored-erasure.ts";
import type { HeldImage } from "../core/image/copies/held-image.ts";
import type { ImageStream } from "../core/image/stream/image-stream.ts";
import { type Notice, noticeKinds } from "../core/machine/health/notification.ts";
import { phases } from "../core/machine/phase.ts";
import { machineStates } from "../core/machine/state.ts";
import type { SiteServer } from "../core/network/site-server.ts";
import type { Lesson } from "../core/pxe/local-boot/lesson.ts";
import { type LocalMethod, localMethodNames } from "../core/pxe/local-boot/method-table.ts";
import { roles } from "../core/role.ts";
import type { AgentTrials, DocumentKind, StoredDocuments, StoredSession } from "../core/store/stored-documents.ts";
import { mac, machineId } from "./machine-record.ts";
import { pinned } from "./same.ts";

const text = v.string();
const count = v.number();
const scores = v.pipe(
  v.record(text, count),
  // A newer version may have learned about methods that this one does not have.
  v.transform((given): { [M in LocalMethod]?: number } =>
    Object.fromEntries(Object.entries(given).filter(([name]) => localMethodNames.some((method) => method === name))),
  ),
);

const lesson = pinned<Lesson>()(
  v.object({
    vendor: text,
    product: text,
    firmware: v.picklist(["bios", "uefi"]),
    client: v.picklist(["uefiPxe", "uefiHttp", "biosPxe", "uefiIpxe", "biosIpxe"]),
    scores,
    learnedAtMs: count,
  }),
);

const token = v.object({
  role: v.picklist(roles),
  createdAtMs: count,
  createdBy: text,
  expiresAtMs: v.exactOptional(count),
  tokenHash: text,
});

const session = pinned<StoredSession>()(
  v.object({
    token: v.exactOptional(text),
    tokenHash: v.exactOptional(text),
    user: v.exactOptional(text),
    role: v.exactOptional(v.picklist(roles)),
    createdAtMs: count,
    usedAtMs: count,
  }),
);

const notice = pinned<Notice>()(
  v.object({
    id: text,
    kind: v.picklist(noticeKinds),
    atMs: count,
    machine: v.object({
      id: machineId,
      hostname: v.exactOptional(text),
      state: v.picklist(machineStates),
      phase: v.exactOptional(v.picklist(phases)),
      generation: count,
    }),
    reason: v.exactOptional(text),
  }),
);

const image = pinned<HeldImage>()(
  v.object({
    ...{ name: text, createdAtMs: count, entries: count, bytes: count },
    confidential: v.exactOptional(v.literal(true)),
    manifest: v.object({ sha512: text, size: count }),
    servers: v.array(text),
    removed: v.exactOptional(v.literal(true)),
  }),
);

const imageStream = pinned<ImageStream>()(
  v.object({
    stream: text,
    current: count,
    previous: v.exactOptional(count),
    by: text,
    atMs: count,
    moving: v.exactOptional(v.literal(true)),
    promotion: v.exactOptional(v.object({ version: count, canary: machineId, by: text, atMs: count })),
  }),
);

const siteServer = pinned<SiteServer>()(
  v.object({
    networks: v.array(v.object({ network: text, temporary: text, permanent: text })),
    aliveAtMs: count,
  }),
);

const erasure = pinned<StoredErasure>()(
  v.object({
    ...{ machine: machineId, generation: count, bootId: text, path: text, serial: text, wwn: text, atMs: count },
    statement: text,
    signature: v.exactOptional(v.object({ value: text, authority: text })),
  }),
);

/** The schema of each kind of document. */
export const storedDocuments = {
  lesson,
  declinedAddress: pinned<Pick<DeclinedAddress, "mac" | "untilMs">>()(v.object({ mac, untilMs: count })),
  token,
  tokenUse: v.object({ atMs: count }),
  session,
  /** How far changes were made into calls, or a pending call. */
  webhook: v.union([v.object({ position: count }), v.object({ url: text, notice })]),
  authority: v.object({ fingerprint: text, next: v.exactOptional(text), former: v.exactOptional(text) }),
  image,
  imageStream,
  agentRollout: pinned<AgentTrials>()(v.object({ trials: v.array(v.object({ machine: machineId, sinceMs: count })) })),
  siteServer,
  erasure,
} as const satisfies { readonly [Kind in DocumentKind]: v.GenericSchema };

// What core has a type for is that type: a key more or less in one of the two does not compile.
pinned<StoredDocuments["token"]>()(storedDocuments.token);
pinned<StoredDocuments["tokenUse"]>()(storedDocuments.tokenUse);
pinned<StoredDocuments["webhook"]>()(storedDocuments.webhook);
pinned<StoredDocuments["authority"]>()(storedDocuments.authority);
