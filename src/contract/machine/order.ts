/** What init asks for and what the server permits: the request for an order, the order, and the challenge to a TPM. */
import * as v from "valibot";
import type { OrderAnswer } from "../../core/birth/order-answer.ts";
import type { SignedLoader } from "../../core/boot-loader/signed-loader.ts";
import { type StoragePolicy, tpmKeyUses } from "../../core/install/storage-policy.ts";
import { orderActions } from "../../core/machine/state.ts";
import { type AddressesAsText, endpoint, ipv4 } from "../address-text.ts";
import { count, hex, text } from "../bounded-values.ts";
import { networkProfile } from "../network-profile.ts";
import { protocolNumber } from "../protocol.ts";
import { pinned } from "../same.ts";
import { burnInProfile } from "./burn-in.ts";
import { eraseWish } from "./erasure.ts";
import { imageRule } from "./image-rule.ts";
import { placementRule, relayPort } from "./placement.ts";
import { diskIdentity, layoutProfile, rootDiskRule } from "./storage.ts";

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

/** A file on the Boot Server's HTTP port; its hash arrives here, over TLS. */
const remoteFile = v.object({
  path: v.pipe(text, v.startsWith("/")),
  sha512: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
});

export const signedLoader = v.object({ shim: remoteFile, grub: remoteFile });

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

// Types that core declares are the same here: a key that is in only one of the two does not compile.
pinned<OrderAnswer>()(orderAnswer);
pinned<StoragePolicy>()(storagePolicy);
pinned<SignedLoader>()(signedLoader);
