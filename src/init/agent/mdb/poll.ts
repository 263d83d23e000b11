import * as host from "host";
import * as v from "valibot";
import { paths } from "../../../contract/machine/paths.ts";
import { faultMessages, faultsOf } from "../../../contract/shape-faults.ts";
import { directive, type SubOutcome, type SubPoll } from "../../../contract/sub.ts";
import { supervisionLimits } from "../../../core/agent/supervision.ts";
import { isKernelDue, kernelRejection } from "../../../core/image/boot/kernel-trial.ts";
import { agentProtocol } from "../../../core/image/filter.ts";
import type { Directive, SubReport } from "../../../core/image/update/directive.ts";
import type { WorkProgress } from "../../../core/machine/work-progress.ts";
import type { DiskKeyState } from "../../../core/tpm/disk-key.ts";
import { kernelRelease } from "../../system/kernel-release.ts";
import { readKernelRecord, runningKernel } from "../boot/kernel-record.ts";
import { judgeThisBoot } from "../boot/measured-boot.ts";
import { keepKeySealed } from "../boot/sealing.ts";
import { openRootMirror } from "../mirror.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import type { Seeding } from "../peers/seeding.ts";
import { isPidOne } from "../pid-one.ts";
import { freeBytes } from "../scan/scan.ts";
import type { SubContext } from "../sub-context.ts";
import { bootId, isRebootPending, readPatchedImage } from "../update/state.ts";
import { forgetRejection, readStoredAgents } from "../versions/stored-agents.ts";
import type { MdbConnection } from "./connection.ts";

/** The contract's limit; failures beyond it are not worth a refused poll. */
const maxLogLines = 200;

/** How often a sealed key is compared with what it is to be sealed to, such as new authorities. */
const checkSealedMs = 600_000;

/** What a poll reports of the latest scan and of the latest directive. */
export type Progress = Pick<SubReport, "tree" | "objects" | "comparison"> & {
  readonly secondsSinceCheck: number;
  readonly outcome?: SubOutcome;
  /** In the middle of a directive: how far it is. */
  readonly progress?: WorkProgress;
};

/** Asks the Dominator for a directive. */
export type Poll = {
  /** Throws if there is no valid answer. */
  readonly ask: (progress: Progress) => Directive;
  /** To be called after an answer, when all that depends on it is done: seals the disk key, which a TPM can hold up. The next poll says the result. */
  readonly keepKeySealed: () => void;
};

/** Polls over the connection to the MDB. */
export function openPoll(
  context: SubContext,
  connection: MdbConnection,
  { seeding, cache }: { readonly seeding: Pick<Seeding, "report">; readonly cache: Pick<ObjectCache, "begun"> },
): Poll {
  const { root, settings, version, takeLines } = context;
  const startedMs = host.monotonicMs();
  const kernel = kernelRelease();
  const boot = bootId();
  const running = isPidOne() ? "birth" : "image";
  const measuredBoot = judgeThisBoot(context);
  const rootMirror = openRootMirror(context);
  /** Known after the first poll of this start: the plain key stays until a server has heard of the system on the disk. */
  let diskKey: DiskKeyState | undefined;
  let sealAgainMs = 0;
  /** Lines that the MDB has not accepted yet. */
  let unsent: readonly string[] = [];

  function keepSealed(): void {
    if (diskKey?.kind === "sealed" && host.monotonicMs() < sealAgainMs) return;
    diskKey = keepKeySealed(context, measuredBoot);
    sealAgainMs = host.monotonicMs() + checkSealedMs;
  }
  function ask(progress: Progress): Directive {
    const patchedImage = readPatchedImage(root);
    if (host.monotonicMs() - startedMs >= supervisionLimits.rejectedMs) forgetRejection(root);
    const { rejected } = readStoredAgents(root);
    const authorities = connection.authorities();
    const kernels = readKernelRecord(root);
    const rejectedKernel = kernelRejection(kernels);
    const seeds = seeding.report();
    rootMirror.mend();
    const mirror = rootMirror.state();
    unsent = [...unsent, ...takeLines()].slice(-maxLogLines);
    const request: SubPoll = {
      protocol: agentProtocol,
      machineId: settings.machineId,
      running,
      kernel,
      bootId: boot,
      ...(patchedImage === undefined ? {} : { patchedImage }),
      rebootPending: isRebootPending(root) || isKernelDue(kernels, runningKernel()),
      ...(rejectedKernel === undefined ? {} : { rejectedKernel }),
      freeBytes: freeBytes(root) + cache.begun.room(),
      ...(measuredBoot === undefined ? {} : { measuredBoot }),
      ...(diskKey === undefined ? {} : { diskKey }),
      ...(mirror === undefined ? {} : { mirror }),
      ...(authorities === undefined ? {} : { authorities }),
      ...(seeds === undefined ? {} : { seeding: seeds }),
      agent: { version, ...(rejected === undefined ? {} : { rejected }) },
      ...progress,
      ...(unsent.length === 0 ? {} : { log: unsent }),
    };
    const { status, body, retryAfterSeconds } = connection.post(paths.subPoll, request);
    // A poll that the server cannot read would be refused again.
    if (status === 400) unsent = [];
    if (status !== 200) {
      const reason = `poll: expected status 200, found ${status}: ${JSON.stringify(body)}`;
      throw Object.assign(new Error(reason), { retryAfterSeconds });
    }
    unsent = [];
    return parseDirective(body);
  }
  return { ask, keepKeySealed: keepSealed };
}

function parseDirective(body: unknown): Directive {
  const parsed = v.safeParse(directive, body, faultMessages);
  if (parsed.success) return parsed.output;
  throw new Error(`poll: expected a directive of the contract; ${faultsOf(parsed.issues, "directive")}`);
}
