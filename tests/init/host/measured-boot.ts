import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readGrubEnvironment } from "../../../src/core/boot-loader/grub-environment.ts";
import { measureGrub } from "../../../src/core/boot-loader/grub-measurements.ts";
import { fileIn, textIn } from "./grub.ts";
import type { FileSystem } from "./storage/file-system.ts";

/** The values of PCR 4, 8 and 9 after a boot, in upper-case hex as Linux shows them. */
export type BootPcrs = { readonly pcr4: string; readonly pcr8: string; readonly pcr9: string };
type GrubPcrs = Pick<BootPcrs, "pcr8" | "pcr9">;

/** A boot in which no program extended them. */
export const notExtended: GrubPcrs = { pcr8: "0".repeat(64), pcr9: "0".repeat(64) };

/** PCR 4 after the firmware has started this program, after entries that have failed. */
export function measuredByFirmware(program: Uint8Array, failedEntries: number): string {
  const [call, back] = ["Calling", "Returning from"].map((what) =>
    Buffer.from(`${what} EFI Application from Boot Option`),
  );
  assert.ok(call && back);
  const failed = Array.from({ length: failedEntries }, () => [back, call]).flat();
  // Of the fake loader: all but its checksum and the directory of its signatures.
  const parts = [program.subarray(0, 0x98), program.subarray(0x9c, 0xe8), program.subarray(0xf0)];
  return extended([call, Buffer.alloc(4), ...failed, Buffer.concat(parts)]);
}

/** How GRUB works on this machine. */
type GrubManner = { readonly canWrite: boolean; readonly usesStub: boolean };

/** What a GRUB with the module `tpm`, and the kernel's EFI stub, are about to measure on this boot partition. */
export function measuredByGrub(boot: FileSystem, { canWrite, usesStub }: GrubManner): GrubPcrs {
  const contentOf = (path: string) => {
    const file = fileIn(boot, path);
    return file === undefined ? Buffer.alloc(0) : Buffer.from(file.data.subarray(0, file.size));
  };
  const environment = new Map([
    ["birther_try", readGrubEnvironment(new Uint8Array(contentOf("/grub/grubenv")), "birther_try")],
  ]);
  const path = "/grub/grub.cfg";
  const measured = measureGrub(textIn(boot, path) ?? "", { path, environment, canWrite });
  if ("unknown" in measured) throw new Error(`the fake GRUB cannot measure: ${measured.unknown}`);
  const { options, initrds } = measured.start;
  const stub = usesStub ? [Buffer.from(options, "utf16le"), aligned(initrds.map(contentOf))] : [];
  return {
    pcr8: extended(measured.commands.map((text) => Buffer.from(text))),
    pcr9: extended([...measured.files.map(contentOf), ...stub]),
  };
}

/** Contents in turn, each at a multiple of four bytes. */
function aligned(contents: readonly Buffer[]): Buffer {
  return contents.reduce((before, content) => Buffer.concat([before, Buffer.alloc(-before.length & 3), content]));
}

function extended(contents: readonly Buffer[]): string {
  const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest();
  return contents
    .reduce((value, content) => sha256(Buffer.concat([value, sha256(content)])), Buffer.alloc(32))
    .toString("hex")
    .toUpperCase();
}
