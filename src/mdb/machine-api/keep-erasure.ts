import { escapeCommands } from "../../core/bytes/plain-text.ts";
import { type DiskErasure, type ErasureStatement, isRecorded, outcomeOf } from "../../core/erasure/erasure.ts";
import {
  type ErasureSignature,
  mostErasures,
  mostErasuresPerGeneration,
  type StoredErasure,
} from "../../core/erasure/stored-erasure.ts";
import type { OfOrder } from "../../core/machine/event.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import type { DocumentOf } from "../../core/store/stored-documents.ts";

/** Signs the text of a statement. */
export type SignErasure = (statement: string) => ErasureSignature;

type Deps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signErasure?: SignErasure;
};

/**
 * Keeps a signed statement about what a machine has erased, beside the records of machines: it stays when the machine is
 * retired. A repeated report replaces its first one.
 */
export async function keepErasure(
  deps: Deps,
  { machine, order }: { readonly machine: Machine; readonly order: NonNullable<OfOrder["order"]> },
  erasure: DiskErasure,
): Promise<void> {
  const { store, clock, signErasure } = deps;
  const { action } = order;
  // Nothing is erased to resume or to recover.
  if (action === "resume" || action === "recover") return;
  if (!isRecorded(erasure, machine.storage)) return;
  const bootId = machine.order?.taken?.bootId ?? "";
  const { path, serial, wwn } = erasure.disk;
  const kept = store.documents("erasure");
  const disks = 1 + (machine.erase?.disks?.length ?? 0);
  const id = idFor(deps, kept, { machine: machine.id, generation: order.generation, bootId, path, disks });
  const reported = { machine, action, generation: order.generation, erasure };
  const statement = escapeCommands(JSON.stringify(statementOf(id, reported, clock.nowMs())));
  const document: StoredErasure = {
    ...{ machine: machine.id, generation: order.generation, bootId, path, serial, wwn, atMs: clock.nowMs(), statement },
    ...(signErasure === undefined ? {} : { signature: signErasure(statement) }),
  };
  await store.putDocument({ kind: "erasure", key: id, document });
  await forgetOldest(deps, kept);
}

type Attempt = Pick<StoredErasure, "machine" | "generation" | "bootId" | "path"> & {
  /** How many disks the order takes. */
  readonly disks: number;
};

/** The id of an erasure that was reported before; otherwise a new one, or that of the latest of too many attempts. */
function idFor({ clock, random }: Deps, kept: readonly DocumentOf<"erasure">[], attempt: Attempt): string {
  const sameBirth = kept.filter(
    ({ document }) => document.machine === attempt.machine && document.generation === attempt.generation,
  );
  const ofDisk = sameBirth.filter(({ document }) => document.path === attempt.path);
  const same = ofDisk.find(({ document }) => document.bootId === attempt.bootId);
  if (same !== undefined) return same.key;
  // A machine that makes up disks replaces its own statements, not those of others.
  const last = ofDisk.at(-1) ?? sameBirth.at(-1);
  if (last !== undefined && sameBirth.length >= attempt.disks * mostErasuresPerGeneration) return last.key;
  // Documents are listed in the order of their keys: the oldest is the first.
  const second = new Date(clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${second}-${Buffer.from(random.bytes(4)).toString("hex")}`;
}

/** Statements are bounded: a site that needs all of them exports them. */
async function forgetOldest({ store, log }: Deps, kept: readonly DocumentOf<"erasure">[]): Promise<void> {
  const [oldest] = kept;
  if (oldest === undefined || kept.length < mostErasures) return;
  log("warn", "the oldest record of an erasure is dropped for a new one; export them with birther erasures", {
    ...{ id: oldest.key, serial: oldest.document.serial, limit: mostErasures },
  });
  await store.dropDocument({ kind: "erasure", key: oldest.key });
}

function statementOf(
  id: string,
  reported: {
    readonly machine: Machine;
    readonly erasure: DiskErasure;
  } & Pick<ErasureStatement, "action" | "generation">,
  nowMs: number,
): ErasureStatement {
  const { machine, action, generation, erasure } = reported;
  const { hostname, smbios } = machine;
  return {
    birtherErasure: 1,
    id,
    machine: {
      id: machine.id,
      ...(hostname === undefined ? {} : { hostname }),
      ...(smbios === undefined ? {} : { serial: smbios.serial, product: `${smbios.vendor} ${smbios.product}`.trim() }),
    },
    ...{ action, generation },
    disk: erasure.disk,
    outcome: outcomeOf(erasure, machine.storage),
    steps: erasure.steps.map(({ startedAtMs, endedAtMs, ...step }) => ({
      ...step,
      startedAt: new Date(startedAtMs).toISOString(),
      endedAt: new Date(endedAtMs).toISOString(),
    })),
    reportedAt: new Date(nowMs).toISOString(),
  };
}
