/**
 * The messages between init and MDB: JSON over TLS, `POST`, on the machine-facing port. Readers ignore keys that they
 * do not know; whatever a reader must not ignore has a higher protocol number (protocol.ts). A refusal is
 * `application/problem+json` in the form of `problem`.
 */
import * as v from "valibot";
import type { OrderAnswer } from "../core/birth/order-answer.ts";
import type { SignedLoader } from "../core/boot-loader/signed-loader.ts";
import type { BurnInProfile } from "../core/burn-in/profile.ts";
import { type EraseWish, sanitizeWishes } from "../core/erasure/erase-wish.ts";
import { type DiskErasure, erasureMethods, mostErasureSteps } from "../core/erasure/erasure.ts";
import type { DiskIdentity } from "../core/hardware/disk-identity.ts";
import { type BurnInReport, bootTrusts, type Hardware } from "../core/hardware/hardware.ts";
import { type RootDiskRule, ruleBuses, ruleTransports } from "../core/hardware/root-disk-rules.ts";
import { type LayoutProfile, mostDataDisks } from "../core/install/layout-profile.ts";
import { type StoragePolicy, tpmKeyUses } from "../core/install/storage-policy.ts";
import { volumeFileSystems } from "../core/install/volume-file-system.ts";
import { portKinds } from "../core/lldp/lldpdu.ts";
import { machineArchitectures, namedArchitectures } from "../core/machine/architecture.ts";
import {
  type HeardPlace,
  type MirrorRecord,
  type MirrorState,
  mirrorDisks,
  orderActions,
  type StorageReport,
} from "../core/machine/record.ts";
import { type WorkProgress, works } from "../core/machine/work-progress.ts";
import { parseMac } from "../core/net/mac.ts";
import { burnInWishes, type ImageRule } from "../core/site/image-rule.ts";
import {
  type Neighbour,
  neighbourLimit,
  type Placement,
  type PlacementRule,
  ruleSources,
} from "../core/site/placement.ts";
import { type AddressesAsText, endpoint, ipv4 } from "./address-text.ts";
import { keySealing } from "./measured-boot.ts";
import { networkProfile } from "./network-profile.ts";
import { protocolNumber } from "./protocol.ts";
import { pinned, pinnedShape } from "./same.ts";

const text = v.pipe(v.string(), v.maxLength(4096));
/** The name of a part, as firmware, the kernel or a switch has it. */
const name = v.pipe(v.string(), v.maxLength(512));
/** Parts of one kind in a machine. */
const partsLimit = 512;
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const paths = {
  order: "/machine/v1/order",
  report: "/machine/v1/report",
  healthy: "/machine/v1/healthy",
  resume: "/machine/v1/resume",
  recovery: "/machine/v1/recovery",
  subPoll: "/sub/v1/poll",
  fetchTurn: "/sub/v1/fetch-turn",
} as const;

/** The name in the server's certificate; init and agents verify it, whatever address they connect to. */
export const serverName = "birther";

/** RFC 9457, plus the next step. */
export const problem = v.object({
  kind: text,
  title: text,
  detail: text,
  next: text,
});
export type Problem = v.InferOutput<typeof problem>;

/** Bytes in lower-case hex. */
const hex = (mostBytes: number) => v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/), v.maxLength(2 * mostBytes));

/** The longest reason why a TPM cannot be used: it becomes part of a condition. */
export const tpmReasonLimit = 300;

/**
 * What a machine tells of its TPM: public areas (TPMT_PUBLIC) of its endorsement key and of the object that the server makes
 * a credential for; with `secret`, that it has activated the credential of the server's challenge.
 */
const tpmReport = v.variant("kind", [
  v.object({ kind: v.literal("none") }),
  v.object({ kind: v.literal("unusable"), reason: v.pipe(v.string(), v.maxLength(tpmReasonLimit)) }),
  v.object({ kind: v.literal("key"), ek: hex(1024), activator: hex(1024), secret: v.exactOptional(hex(64)) }),
]);
export type TpmReport = v.InferOutput<typeof tpmReport>;

export const orderRequest = v.object({
  protocol: protocolNumber,
  /** The single-use token of the boot script. */
  token: text,
  mac: text,
  /** /proc/sys/kernel/random/boot_id: allows the same boot to retry when the answer was lost. */
  bootId: text,
  firmware: v.picklist(["bios", "uefi"]),
  /** Absent from a Bootstrap Image that cannot use TPMs. */
  tpm: v.exactOptional(tpmReport),
});
export type OrderRequest = v.InferOutput<typeof orderRequest>;

/** The subtypes of an LLDP port id. */
export const portIdKind = v.picklist(Object.values(portKinds));

/** How a switch numbers its ports. */
export const counting = v.object({ first: count, every: v.pipe(v.number(), v.integer(), v.minValue(1)) });

/** core/dhcp/relay-port.ts */
export const relayPort = v.object({
  giaddr: v.exactOptional(name),
  circuitId: v.exactOptional(name),
  remoteId: v.exactOptional(name),
});

export const placementRule = v.object({
  source: v.exactOptional(v.picklist(ruleSources)),
  switch: text,
  port: v.exactOptional(text),
  portId: v.exactOptional(text),
  portIdKind: v.exactOptional(portIdKind),
  portDescription: v.exactOptional(text),
  counting: v.exactOptional(v.record(v.string(), counting)),
  hostname: text,
  address: v.object({ first: ipv4, step: v.record(v.string(), v.number()) }),
  ipv6: v.exactOptional(v.object({ first: text, step: v.record(v.string(), v.number()) })),
  profile: v.exactOptional(text),
});

/** The conditions of an image rule. */
export const imageConditions = v.object({
  burnIn: v.exactOptional(v.picklist(burnInWishes)),
  minCpus: v.exactOptional(count),
  minMemoryMiB: v.exactOptional(count),
  minStorageGiB: v.exactOptional(count),
  minDisks: v.exactOptional(count),
  firmware: v.exactOptional(v.picklist(["bios", "uefi"])),
  architecture: v.exactOptional(v.picklist(machineArchitectures)),
  product: v.exactOptional(text),
});
export const imageRule = v.object({
  image: text,
  layout: v.exactOptional(text),
  when: v.optional(imageConditions, {}),
});

/** core/burn-in/profile.ts */
export const burnInProfile = v.object({
  cpuSeconds: count,
  memoryPercent: v.pipe(v.number(), v.minValue(0), v.maxValue(90)),
  memoryRounds: v.exactOptional(v.pipe(count, v.minValue(1))),
  memorySeconds: v.exactOptional(count),
  diskMiB: count,
  diskSeconds: v.exactOptional(count),
  networkMiB: count,
  networkSeconds: v.exactOptional(count),
  minCpuHashesPerSecond: count,
  minMemoryMiBps: count,
  minDiskMiBps: count,
  minNetworkMiBps: count,
});

export const storagePolicy = v.object({
  /** Continue unencrypted if the machine cannot store a key. */
  allowUnencrypted: v.boolean(),
  /** The smallest disk that may become the root disk. */
  minRootDiskMiB: count,
  espMiB: count,
  bootMiB: count,
  /** Servers before it say nothing. */
  sealDiskKey: v.optional(v.boolean(), false),
  diskKeyInTpm: v.optional(v.picklist(tpmKeyUses), "never"),
});

/** core/hardware/root-disk-rules.ts */
export const rootDiskRule = v.object({
  minSizeGiB: v.exactOptional(count),
  maxSizeGiB: v.exactOptional(count),
  rotational: v.exactOptional(v.boolean()),
  bus: v.exactOptional(v.picklist(ruleBuses)),
  transport: v.exactOptional(v.picklist(ruleTransports)),
  model: v.exactOptional(text),
  serial: v.exactOptional(text),
  wwn: v.exactOptional(text),
  biosDrive: v.exactOptional(count),
  path: v.exactOptional(text),
});

/** core/install/layout-profile.ts */
export const layoutProfile = v.object({
  name: text,
  mirror: v.exactOptional(v.object({ disks: rootDiskRule })),
  swapMiB: count,
  volumes: v.array(
    v.object({
      name: text,
      sizeMiB: count,
      fileSystem: v.picklist(volumeFileSystems),
      mountPoint: v.exactOptional(text),
    }),
  ),
  data: v.array(
    v.object({
      disks: rootDiskRule,
      fileSystem: v.picklist(volumeFileSystems),
      mountPoint: v.exactOptional(text),
      least: count,
    }),
  ),
});

/** A file on the Boot Server's HTTP port; its hash arrives here, over TLS. */
const remoteFile = v.object({
  path: v.pipe(text, v.startsWith("/")),
  sha512: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
});
export const signedLoader = v.object({ shim: remoteFile, grub: remoteFile });

/** What distinguishes a disk from others, and where it was found. */
export const diskIdentity = v.object({ path: name, serial: name, wwn: name, sizeBytes: count });

/** core/machine/record.ts */
const missingDisks = v.pipe(v.array(v.picklist(mirrorDisks)), v.maxLength(mirrorDisks.length), v.readonly());
export const mirrorState = pinned<MirrorState>()(v.object({ missing: missingDisks }));
export const mirrorRecord = pinned<MirrorRecord>()(v.object({ missing: missingDisks, sinceMs: count }));

/** core/erasure/erase-wish.ts */
export const eraseWish = pinned<EraseWish>()(
  v.object({
    sanitize: v.exactOptional(v.picklist(sanitizeWishes)),
    disks: v.exactOptional(v.pipe(v.array(diskIdentity), v.maxLength(partsLimit), v.readonly())),
  }),
);
/** The disks that a birth takes for data. */
export const dataDisks = v.pipe(v.array(diskIdentity), v.maxLength(mostDataDisks), v.readonly());

/** core/machine/record.ts */
export const birthDisk = v.object({ ...diskIdentity.entries, dataDisks: v.exactOptional(dataDisks) });

/** More than a server names (core/network/site-server.ts). */
const otherMdbs = v.pipe(v.array(endpoint), v.maxLength(64));

/** core/birth/order-answer.ts */
export const orderAnswer = v.object({
  protocol: protocolNumber,
  machineId: text,
  action: v.picklist(orderActions),
  generation: count,
  session: text,
  nowMs: count,
  placementRules: v.array(placementRule),
  relay: v.exactOptional(relayPort),
  operatorPlace: v.exactOptional(v.object({ switchName: text, port: text })),
  networkProfiles: v.exactOptional(v.array(networkProfile)),
  lldpSeconds: count,
  imageRules: v.array(imageRule),
  burnIn: burnInProfile,
  storage: storagePolicy,
  rootDiskRules: v.exactOptional(v.array(rootDiskRule)),
  layouts: v.exactOptional(v.array(layoutProfile)),
  dataDisks: v.exactOptional(v.array(diskIdentity)),
  mirrorDisk: v.exactOptional(diskIdentity),
  signedLoader: v.exactOptional(signedLoader),
  rootDisk: v.exactOptional(
    v.object({
      serial: text,
      wwn: v.exactOptional(text),
      path: v.exactOptional(text),
      sizeBytes: v.exactOptional(count),
    }),
  ),
  knownDisks: v.exactOptional(v.array(diskIdentity)),
  allowedDisk: v.exactOptional(v.object({ selector: v.exactOptional(text) })),
  erase: v.exactOptional(eraseWish),
  resume: v.exactOptional(
    v.object({ hostname: text, address: ipv4, encrypted: v.boolean(), keyInTpm: v.exactOptional(v.literal(true)) }),
  ),
  permanent: v.object({
    prefixLength: count,
    gateway: v.exactOptional(ipv4),
    nameservers: v.array(ipv4),
    vlan: v.exactOptional(count),
    ipv6: v.exactOptional(
      v.object({ prefixLength: count, gateway: v.exactOptional(text), nameservers: v.array(text) }),
    ),
    mdb: endpoint,
    otherMdbs: v.exactOptional(otherMdbs),
  }),
  otherMdbs: v.exactOptional(otherMdbs),
  takesProgress: v.exactOptional(v.literal(true)),
  keepsErasures: v.exactOptional(v.literal(true)),
  retrySeconds: count,
});
/**
 * The answer to a request that names an endorsement key without a valid proof: a credential (contents of TPM2B_ID_OBJECT and
 * TPM2B_ENCRYPTED_SECRET) that only this key can decrypt. The machine repeats its request with the secret in it.
 */
export const orderChallenge = v.object({
  challenge: v.object({ idObject: hex(1024), encryptedSecret: hex(1024) }),
});
export type OrderChallenge = v.InferOutput<typeof orderChallenge>;

/** An order as the server sends it. */
export type SentOrder = AddressesAsText<OrderAnswer>;

const disk = v.object({
  path: name,
  model: name,
  serial: name,
  wwn: name,
  sizeBytes: count,
  rotational: v.boolean(),
  removable: v.boolean(),
  sectorBytes: v.exactOptional(count),
  biosDrive: v.exactOptional(count),
  unlistedByBios: v.exactOptional(v.literal(true)),
  bus: name,
  transport: v.exactOptional(name),
  devicePath: v.exactOptional(name),
  otherPaths: v.exactOptional(v.pipe(v.array(name), v.maxLength(partsLimit))),
  virtualMedia: v.exactOptional(v.literal(true)),
  contents: v.exactOptional(v.pipe(v.array(name), v.maxLength(64))),
});
const nic = v.object({
  name: name,
  mac: name,
  driver: name,
  speedMbps: count,
  carrier: v.boolean(),
  path: name,
});
/**
 * A scan as init sends it and as operators read it: some interfaces have an address that is not a MAC address
 * (InfiniBand's has 20 bytes).
 */
export const scan = v.object({
  architecture: v.exactOptional(v.picklist(namedArchitectures)),
  cpus: count,
  cpuModel: name,
  memoryMiB: count,
  disks: v.pipe(v.array(disk), v.maxLength(partsLimit)),
  nics: v.pipe(v.array(nic), v.maxLength(partsLimit)),
  firmware: v.picklist(["bios", "uefi"]),
  secureBoot: v.boolean(),
  bootTrust: v.exactOptional(v.picklist(bootTrusts)),
  tpm: v.boolean(),
  watchdog: name,
  smbios: v.object({ vendor: name, product: name, serial: name, uuid: name }),
  chassis: v.exactOptional(v.object({ serial: name, slot: name })),
  pciDevices: v.exactOptional(
    v.pipe(
      v.array(v.object({ address: name, id: name, class: name, driver: name })),
      v.maxLength(partsLimit),
      v.readonly(),
    ),
  ),
  sizelessDisks: v.exactOptional(v.pipe(v.array(name), v.maxLength(partsLimit), v.readonly())),
  missingFirmware: v.exactOptional(
    v.pipe(
      v.array(v.object({ device: name, family: name, file: v.exactOptional(name) })),
      v.maxLength(partsLimit),
      v.readonly(),
    ),
  ),
});

/** A scan as the server accepts it: without interfaces whose address is not a MAC address. */
const hardware = v.pipe(
  scan,
  v.transform((given) => {
    const nics = given.nics.flatMap((nic) => {
      const mac = parseMac(nic.mac);
      return mac === undefined ? [] : [{ ...nic, mac }];
    });
    return { ...given, nics };
  }),
);

export const burnInReport = v.object({
  verdict: v.picklist(["passed", "failed", "skipped"]),
  results: v.pipe(
    v.array(
      v.object({
        test: v.picklist(["cpu", "memory", "disk", "diskRead", "network"]),
        subject: name,
        ok: v.boolean(),
        durationMs: count,
        figures: v.pipe(v.record(name, v.number()), v.maxEntries(64)),
        fault: text,
      }),
    ),
    v.maxLength(2 * partsLimit),
  ),
});

/** core/machine/record.ts */
export const suspect = v.object({
  ...{ test: name, subject: name, figure: name, value: v.number(), machines: count },
  ...{ median: v.number(), least: v.number(), most: v.number() },
});
export const suspects = v.pipe(v.array(suspect), v.maxLength(partsLimit), v.readonly());

/** core/machine/work-progress.ts */
export const workProgress = v.object({
  ...{ what: v.picklist(works), done: count, total: count },
  ...{ current: v.exactOptional(name), currentPercent: v.exactOptional(v.pipe(count, v.maxValue(100))) },
});

const portFields = v.object({ portIdKind, portId: text, portDescription: text });

/** A neighbour as init sends it and as operators read it. */
export const neighbour = v.object({
  ...portFields.entries,
  switchName: text,
  port: text,
  otherPort: v.exactOptional(v.object({ text, agrees: v.boolean() })),
});

/** The sources of a place that a record names: LLDP is the usual one. */
const otherSources = ["option82", "chassis", "operator"] as const;

/** A placement as init sends it and as operators read it. */
export const placementText = v.object({
  switchName: text,
  port: text,
  position: v.pipe(v.record(name, name), v.maxEntries(64)),
  hostname: text,
  address: text,
  ipv6: v.exactOptional(name),
  profile: v.exactOptional(name),
  lldp: v.exactOptional(portFields),
  source: v.exactOptional(v.picklist(otherSources)),
});
export const placement = v.object({ ...placementText.entries, address: ipv4 });

export const storageReport = v.object({
  rootDisk: v.object({
    path: text,
    serial: text,
    wwn: v.exactOptional(text),
    sizeBytes: count,
    why: text,
    biosDrive: v.exactOptional(count),
    recognition: v.exactOptional(
      v.variant("kind", [
        v.object({ kind: v.literal("identity") }),
        v.object({ kind: v.literal("pathAndSize"), why: text }),
      ]),
    ),
  }),
  disks: v.exactOptional(v.pipe(v.array(diskIdentity), v.maxLength(partsLimit), v.readonly())),
  layout: v.exactOptional(name),
  mirrorDisk: v.exactOptional(diskIdentity),
  volumes: v.exactOptional(
    v.pipe(
      v.array(v.object({ name, disk: diskIdentity, sizeMiB: count, mountPoint: v.exactOptional(name) })),
      v.maxLength(partsLimit),
      v.readonly(),
    ),
  ),
  bootOrder: v.exactOptional(
    v.object({
      entries: v.pipe(v.array(text), v.maxLength(partsLimit), v.readonly()),
      firstBy: v.picklist(["bootCurrent", "guess", "none"]),
      fault: v.exactOptional(text),
    }),
  ),
  encryption: v.variant("kind", [
    v.object({
      kind: v.literal("luks2"),
      keyIn: v.picklist(["uefi-variable", "tpm"]),
      sealing: v.exactOptional(keySealing),
    }),
    v.object({ kind: v.literal("none"), reason: text }),
  ]),
});

/** As far as a date reaches (ECMA-262, 21.4.1.1). */
const timeMs = v.pipe(count, v.maxValue(8.64e15));

/** core/erasure/erasure.ts */
export const erasureStep = v.object({
  method: v.picklist(erasureMethods),
  what: name,
  found: count,
  startedAtMs: timeMs,
  endedAtMs: timeMs,
  verification: v.variant("kind", [
    v.object({ kind: v.literal("verified"), how: name }),
    v.object({ kind: v.literal("unverified"), reason: name }),
  ]),
});
export const erasedDisk = v.object({ path: name, serial: name, wwn: name, model: name, sizeBytes: count });
const diskErasure = v.object({
  disk: erasedDisk,
  steps: v.pipe(v.array(erasureStep), v.minLength(1), v.maxLength(mostErasureSteps)),
});

/** One item of a report; a request contains several, in the order in which they happened. */
export const reportItem = v.variant("kind", [
  v.object({
    kind: v.literal("phase"),
    phase: v.picklist(["initUp", "burnIn", "placed", "keysMade", "partitioned", "populated", "handedOver"]),
    durationMs: v.exactOptional(count),
    detail: v.exactOptional(text),
  }),
  v.object({ kind: v.literal("hardware"), hardware }),
  v.object({ kind: v.literal("burnIn"), report: burnInReport }),
  /** `dataDisks` only to a server that has sent layouts. */
  v.object({
    kind: v.literal("placed"),
    placement,
    rootDisk: v.exactOptional(diskIdentity),
    dataDisks: v.exactOptional(dataDisks),
  }),
  v.object({ kind: v.literal("neighbours"), neighbours: v.pipe(v.array(neighbour), v.maxLength(neighbourLimit)) }),
  v.object({ kind: v.literal("failed"), step: text, reason: text, conflict: v.exactOptional(v.literal(true)) }),
  /** Only to a server that takes it (`takesProgress`). */
  v.object({ kind: v.literal("progress"), ...workProgress.entries }),
  /** Only to a server that keeps it (`keepsErasures`). */
  v.object({ kind: v.literal("erasure"), erasure: diskErasure }),
  v.object({ kind: v.literal("log"), lines: v.pipe(v.array(text), v.maxLength(1000)) }),
]);
export type ReportItem = v.InferOutput<typeof reportItem>;
/** A report as init sends it. */
export type SentReportItem = v.InferInput<typeof reportItem>;

export const reportRequest = v.object({ items: v.array(reportItem) });
/** `suspect`: the burn-in in this report has figures far from those of the machine's siblings. Servers before it say nothing. */
export const reportAnswer = v.object({ suspect: v.exactOptional(v.literal(true)) });
export type ReportAnswer = v.InferOutput<typeof reportAnswer>;

export const healthyRequest = v.object({
  generation: count,
  image: text,
  placement,
  storage: storageReport,
});
/** The request as init sends it. */
export type HealthyRequest = Omit<v.InferInput<typeof healthyRequest>, "storage"> & { readonly storage: StorageReport };

/** The answer to `paths.healthy`, and to `paths.resume`, whose request is an empty object. */
export const healthyAnswer = v.object({
  /** The bearer credential of this machine's sub. */
  subToken: text,
});
export type HealthyAnswer = v.InferOutput<typeof healthyAnswer>;

/** `paths.recovery`: the nonce of a policy session of the machine's TPM. */
export const recoveryRequest = v.object({ nonce: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) });

/** The authority's signature over that nonce: its public area as a TPM loads it, and the two numbers of ECDSA. */
export const recoveryAnswer = v.object({ verifier: hex(512), r: hex(32), s: hex(32) });
export type RecoveryAnswer = v.InferOutput<typeof recoveryAnswer>;

// Types that core declares are the same here: a key that is in only one of the two does not compile.
pinned<OrderAnswer>()(orderAnswer);
pinned<BurnInProfile>()(burnInProfile);
pinned<PlacementRule>()(placementRule);
pinned<ImageRule>()(imageRule);
pinned<StoragePolicy>()(storagePolicy);
pinned<RootDiskRule>()(rootDiskRule);
pinned<LayoutProfile>()(layoutProfile);
pinned<SignedLoader>()(signedLoader);
pinned<DiskIdentity>()(diskIdentity);
pinnedShape<Hardware>()(scan);
pinned<Hardware>()(hardware);
pinned<BurnInReport>()(burnInReport);
pinned<DiskErasure>()(diskErasure);
pinned<WorkProgress>()(workProgress);
pinned<Neighbour>()(neighbour);
pinned<Placement>()(placement);
pinned<AddressesAsText<Placement>>()(placementText);
pinned<StorageReport>()(storageReport);

/** Where a machine is by what it hears, as the server computes it. */
export const heardPlace = pinned<HeardPlace>()(
  v.variant("kind", [
    v.object({
      ...{ kind: v.literal("placed"), switchName: v.string(), port: v.string() },
      position: v.record(v.string(), v.string()),
    }),
    v.object({ kind: v.literal("unplaced"), reason: v.string() }),
  ]),
);
