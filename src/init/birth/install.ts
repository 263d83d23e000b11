import * as host from "host";
import { authenticodeSha256 } from "../../core/boot-loader/authenticode.ts";
import { counted } from "../../core/bytes/counted.ts";
import { hexFromBytes } from "../../core/bytes/text.ts";
import { logicalSectorBytes } from "../../core/hardware/scan.ts";
import { lastDestruction, tpmKeySeconds } from "../../core/install/destruction.ts";
import { describeLinks, type HostNetworkPlan } from "../../core/install/network-files.ts";
import { imagePaths } from "../../core/install/paths.ts";
import { type InstallInput, type InstallPlan, planInstall } from "../../core/install/plan.ts";
import { encryptionOf } from "../../core/install/root-volume.ts";
import type { InstallPhase } from "../../core/install/step.ts";
import { keyLocationOf } from "../../core/install/storage-policy.ts";
import type { BootOrder } from "../../core/machine/storage.ts";
import type { Random } from "../../core/ports.ts";
import { variablesOffer } from "../device/firmware/efi.ts";
import { tpmOffer } from "../device/firmware/tpm-key.ts";
import { systemTree } from "../device/tree.ts";
import { readBytes } from "../system/files.ts";
import { sha256 } from "../system/sha256.ts";
import type { BirthContext } from "./birth-context.ts";
import type { DataDisks } from "./data-disks.ts";
import { planErasing, workingOn } from "./erasing.ts";
import { openErasureRecord } from "./erasure-record.ts";
import { executeStep } from "./execute-step.ts";
import type { Inspection } from "./inspect.ts";
import { requestSeconds } from "./mdb.ts";
import type { Placed } from "./placement.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

const random: Random = { bytes: (count) => new Uint8Array(host.randomBytes(count)) };

/** Plans and executes the installation; when this returns, the new root is mounted, populated and on the disk. */
export function install(
  context: BirthContext,
  taken: TakenOrder,
  {
    inspection,
    placed: { placement, network },
    disks,
  }: { readonly inspection: Inspection; readonly placed: Placed; readonly disks: DataDisks },
): InstallPlan {
  const { runStep, console } = context;
  const { order, session, drivers, firmware, settings, bySignedImage } = taken;
  const erase = planErasing(context, taken, inspection);
  const plan = runStep("planInstallation", 60 + tpmKeySeconds, () => {
    const offerOfTpm = () => tpmOffer(taken.tpmAnswers);
    const keyPlace = keyLocationOf(variablesOffer(firmware, drivers), offerOfTpm, order.storage);
    if (keyPlace.kind === "uefi-variable" && keyPlace.tpmRefused !== undefined)
      console.log("warn", "the disk key goes into a UEFI variable instead of the TPM", { reason: keyPlace.tpmRefused });
    const planning = planInstall(
      {
        firmware,
        architecture: host.architecture(),
        keyPlace,
        secureBoot: inspection.hardware.secureBoot,
        bySignedImage,
        policy: order.storage,
        erase: { ...erase, ...(inspection.hardware.tpm ? { tpm: { answers: taken.tpmAnswers } } : {}) },
        disk: inspection.disk,
        diskWhy: inspection.diskWhy,
        disks: inspection.hardware.disks,
        ...disks,
        sectorBytes: logicalSectorBytes(systemTree, inspection.disk.path),
        hostname: placement.hostname,
        address: placement.address,
        mac: settings.mac,
        prefixLength: order.permanent.prefixLength,
        nameservers: order.permanent.nameservers,
        ...(order.permanent.gateway === undefined ? {} : { gateway: order.permanent.gateway }),
        ...(network === undefined ? {} : { network }),
        ...(order.signedLoader === undefined ? {} : { signedLoader: order.signedLoader }),
        ...sealingFor(taken, inspection),
      },
      random,
    );
    if (planning.kind === "refused") throw stop(planning.reason);
    return planning;
  });
  const seal = encryptionOf(plan.root)?.seal;
  if (seal !== undefined) console.log("info", "the disk key will be sealed to the boot path", seal);
  let { storage } = plan;
  const bootOrder = (order: BootOrder) => {
    storage = { ...storage, bootOrder: order };
  };
  const record = openErasureRecord(inspection.hardware.disks);
  const lastDestroying = lastDestruction(plan.steps);
  const erasing = { seed: `${order.machineId} ${order.generation}`, working: workingOn(context, taken) };
  for (const step of plan.steps) {
    const tools = { drivers, http: settings.http, log: console.log, bootOrder, erased: record.note, erasing };
    runStep(step.id, step.deadlineSeconds, () => executeStep(step, tools));
    if (step === lastDestroying && order.keepsErasures)
      for (const items of record.reports()) runStep("report", requestSeconds, () => session.report(items));
    const { reaches } = step;
    if (reaches !== undefined) {
      runStep("report", requestSeconds, () => session.phase(reaches, phaseDetail(plan, reaches, network)));
    }
  }
  return { ...plan, storage };
}

/** Where the disk key is to be sealed: the loader that measures, which a broken TPM would stop, or why there is none. */
function sealingFor(
  { order, firmware, tpmAnswers, bySignedImage }: TakenOrder,
  { hardware }: Inspection,
): Pick<InstallInput, "sealing"> {
  if (!order.storage.sealDiskKey || firmware === "bios") return {};
  if (host.architecture() === "arm64") return { sealing: { kind: "impossible", cause: "arm64" } };
  if (!tpmAnswers) return { sealing: { kind: "impossible", cause: hardware.tpm ? "tpm-silent" : "no-tpm" } };
  const path = bySignedImage ? imagePaths.grubEfi : imagePaths.grubEfiMeasuring;
  const hash = authenticodeSha256(readBytes(path), sha256);
  if (hash === undefined) throw new Error(`${path}: expected an EFI program, found another file`);
  return { sealing: { kind: "possible", loader: { path, sha256: hexFromBytes(hash) } } };
}

function phaseDetail(plan: InstallPlan, phase: InstallPhase, network: HostNetworkPlan | undefined): string {
  const { encryption, rootDisk } = plan.storage;
  switch (phase) {
    case "keysMade":
      return encryption.kind === "luks2" ? `in ${encryption.keyIn}` : encryption.reason;
    case "partitioned":
      return `${rootDisk.path}, ${encryption.kind === "luks2" ? "encrypted" : `not encrypted: ${encryption.reason}`}`;
    case "populated":
      return [rootDisk.path, ...volumesText(plan), ...(network === undefined ? [] : [describeLinks(network)])].join(
        "; ",
      );
  }
}

function volumesText({ storage: { layout, volumes = [] } }: InstallPlan): readonly string[] {
  return layout === undefined ? [] : [`layout ${layout}, ${counted(volumes.length, "volume")}`];
}
