import { grubEnvironment } from "../../boot-loader/grub-environment.ts";
import { measureGrub } from "../../boot-loader/grub-measurements.ts";
import { type GrubPrelude, noPrelude, signedPreludes } from "../../boot-loader/grub-preludes.ts";
import { bytesFromHex, hexFromBytes, sameBytes } from "../../bytes/text.ts";
import { encodeUtf8 } from "../../bytes/utf8.ts";
import type { MeasuredBoot } from "../../tpm/measured-boot.ts";
import { extended, type Sha256, zeroPcr } from "../../tpm/pcr.ts";
import { joined } from "../../tpm/seal-policy.ts";
import { bootPartition } from "./kernel-store.ts";
import { tryVariable } from "./partition-config.ts";

/** What a TPM holds after a boot, SHA-256 in lower-case hex: PCR 8 (GRUB's commands) and 9 (the files that it reads). */
export type GrubPcrs = { readonly pcr8: string; readonly pcr9: string };

/**
 * A boot that is possible: SHA-256 in hex of the commands that GRUB runs, and of the files that it reads, in order. `stub`: of what
 * the kernel's EFI stub adds to PCR 9, its command line and its initrds in one piece; GRUB 2.12 starts kernels through it.
 */
export type PossibleBoot = {
  readonly commands: readonly string[];
  readonly files: readonly string[];
  readonly stub?: { readonly options: string; readonly initrds: string };
};

/** What the agent keeps between boots. */
export type MeasuredBootRecord = {
  /** What the boot partition holds, the latest last: two while one replaces the other. `config` is the SHA-512 of grub.cfg. */
  readonly written: readonly { readonly config: string; readonly boots: readonly PossibleBoot[] }[];
  /** The latest boot that was judged; without a result if nothing was expected of it. */
  readonly judged?: { readonly bootId: string; readonly result?: MeasuredBoot };
};

/** What the boot partition holds. */
export type WrittenBoot = {
  /** The text of grub.cfg. */
  readonly config: string;
  /** The kernel that GRUB tries once if it is marked. */
  readonly candidate: string | undefined;
  /** SHA-256 in hex of a file, by its path on the partition. */
  readonly fileSha256: (path: string) => string;
  /** The same of several files, each at a multiple of four bytes after the one before it. */
  readonly joinedSha256: (paths: readonly string[]) => string;
};

/**
 * The boots that can come next: of the default kernel, of the candidate, and of the default kernel because GRUB cannot clear the
 * candidate's mark. `unknown`: a line of the configuration whose measurements are not known.
 */
export function possibleBoots(
  written: WrittenBoot,
  sha256: Sha256,
): readonly PossibleBoot[] | { readonly unknown: string } {
  const { config, candidate } = written;
  const runs = [
    { mark: "", canWrite: true },
    ...(candidate === undefined ? [] : [true, false].map((canWrite) => ({ mark: candidate, canWrite }))),
  ];
  const boots: PossibleBoot[] = [];
  for (const { mark, canWrite } of runs) {
    const environment = new Map([[tryVariable, mark]]);
    const measured = measureGrub(config, { path: bootPartition.config, environment, canWrite });
    if ("unknown" in measured) return measured;
    const ours = new Map<string, Uint8Array>([
      [bootPartition.config, encodeUtf8(config)],
      [bootPartition.environment, grubEnvironment(tryVariable, mark)],
    ]);
    const digestOf = (path: string) => {
      const bytes = ours.get(path);
      return bytes === undefined ? written.fileSha256(path) : hexFromBytes(sha256(bytes));
    };
    const { commands, files, start } = measured;
    const stub = {
      options: hexFromBytes(sha256(encodeUtf16(start.options))),
      initrds: written.joinedSha256(start.initrds),
    };
    boots.push({ commands: digestsOf(commands, sha256), files: files.map(digestOf), stub });
  }
  return boots;
}

/** Little endian. */
function encodeUtf16(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < text.length; at += 1) view.setUint16(2 * at, text.charCodeAt(at), true);
  return bytes;
}

/**
 * What PCR 9 is extended with after GRUB's prelude. Linux measures the command line that its EFI stub is started with since 5.16, and
 * the initrds since 5.18; GRUB 2.06 does not use the stub.
 */
function pcr9Of({ files, stub }: PossibleBoot): readonly (readonly string[])[] {
  if (stub === undefined) return [files];
  const { options, initrds } = stub;
  return [files, [...files, options, initrds], [...files, options], [...files, initrds]];
}

/** Compares what a TPM holds with the boots that were possible, by our own GRUB or by Debian's signed one. */
export function judgeBoot(possible: readonly PossibleBoot[], found: GrubPcrs, sha256: Sha256): MeasuredBoot {
  if (/^0*$/.test(found.pcr8)) return { kind: "notMeasured" };
  const boots = possible.map((boot) => ({ commands: bytesOf(boot.commands), reads: pcr9Of(boot).map(bytesOf) }));
  const [found8, found9] = [found.pcr8, found.pcr9].map((hex) => bytesFromHex(hex) ?? zeroPcr);
  const pcrOf = pcrAfterTexts(sha256);
  const leads = (before: Uint8Array, digests: readonly Uint8Array[], to = zeroPcr) =>
    sameBytes(extended(before, digests, sha256), to);
  // Hundreds of preludes have the same few files.
  const readBy = new Map<string, readonly boolean[]>();
  const isRead = (files: readonly string[]) => {
    const key = JSON.stringify(files);
    const known = readBy.get(key);
    if (known !== undefined) return known;
    const before = pcrOf(files);
    const read = boots.map(({ reads }) => reads.some((digests) => leads(before, digests, found9)));
    readBy.set(key, read);
    return read;
  };
  let [knows8, knows9] = [false, false];
  for (const { commands, files } of preludes()) {
    const before8 = pcrOf(commands);
    const read = isRead(files);
    for (const [at, boot] of boots.entries()) {
      const is8 = leads(before8, boot.commands, found8);
      const is9 = read[at] === true;
      if (is8 && is9) return { kind: "asWritten" };
      knows8 ||= is8;
      knows9 ||= is9;
    }
  }
  // If each is known, they are of different boots.
  if (knows8 === knows9) return { kind: "differs", pcrs: [8, 9] };
  return { kind: "differs", pcrs: [knows8 ? 9 : 8] };
}

function* preludes(): Generator<GrubPrelude> {
  yield noPrelude;
  yield* signedPreludes();
}

/** The value of a PCR after it was extended with texts in turn, most of which come again and again. */
function pcrAfterTexts(sha256: Sha256): (texts: readonly string[]) => Uint8Array {
  const digests = new Map<string, Uint8Array>();
  const digestOf = (text: string) => {
    const digest = digests.get(text) ?? sha256(encodeUtf8(text));
    digests.set(text, digest);
    return digest;
  };
  return (texts) => extended(zeroPcr, texts.map(digestOf), sha256);
}

/** The SHA-256 of PCR 8 and 9 after a boot by our own GRUB, as a TPM's policies take it. */
export function pcrDigestOf({ commands, files }: PossibleBoot, sha256: Sha256): Uint8Array {
  const [pcr8, pcr9] = [commands, files].map((digests) => extended(zeroPcr, bytesOf(digests), sha256));
  return sha256(joined(pcr8 ?? zeroPcr, pcr9 ?? zeroPcr));
}

function digestsOf(texts: readonly string[], sha256: Sha256): readonly string[] {
  return texts.map((text) => hexFromBytes(sha256(encodeUtf8(text))));
}

function bytesOf(digests: readonly string[]): readonly Uint8Array[] {
  return digests.map((digest) => bytesFromHex(digest) ?? zeroPcr);
}
