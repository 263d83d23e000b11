import assert from "node:assert/strict";
import { test } from "node:test";
import type { Signature } from "../network/network.ts";
import { architectureOf } from "./architecture.ts";

/** Codes of option 93, the loader for each, and the loader if only signed ones may start; `-` means "boots locally". */
const rows: readonly (readonly [codes: readonly number[], loader: string, signed: string])[] = [
  [[0], "bios tftp undionly.kpxe", "bios tftp undionly.kpxe"],
  [[6], "uefi tftp -", "uefi tftp -"],
  [[7], "uefi tftp snponly.efi", "uefi tftp shimx64.efi"],
  [[9], "uefi tftp snponly.efi", "uefi tftp shimx64.efi"],
  [[10], "uefi tftp -", "uefi tftp -"],
  [[11], "uefi tftp ipxe-arm64.efi", "uefi tftp -"],
  [[15], "uefi http -", "uefi http -"],
  [[16], "uefi http snponly.efi", "uefi http boot/MAC.img"],
  [[17], "uefi http snponly.efi", "uefi http boot/MAC.img"],
  [[18], "uefi http -", "uefi http -"],
  [[19], "uefi http ipxe-arm64.efi", "uefi http -"],
  [[20], "bios http -", "bios http -"],
  // The option may hold several; codes that we do not know are passed over (RISC-V is 27).
  [[27, 7], "uefi tftp snponly.efi", "uefi tftp shimx64.efi"],
  [[27], "none", "none"],
  [[], "none", "none"],
];

const line = (codes: readonly number[], signature: Signature) => {
  const found = architectureOf(codes, signature);
  return found === undefined ? "none" : `${found.firmware} ${found.via} ${found.loader ?? "-"}`;
};

for (const [codes, loader, signed] of rows)
  test(`architecture [${codes.join(", ")}]: ${loader}; signed: ${signed}`, () =>
    assert.deepEqual([line(codes, "none"), line(codes, "debian")], [loader, signed]));

for (const [code, via] of [
  [7, "tftp"],
  [9, "tftp"],
  [16, "http"],
  [17, "http"],
] as const)
  test(`architecture ${code} with the site's own key: the signed image by ${via}`, () => {
    assert.equal(line([code], "own"), `uefi ${via} birther.efi`);
    assert.equal(architectureOf([code], "own")?.onlyInstalls, true);
  });

test("with the site's own key, ARM64 has no loader, and BIOS, which verifies nothing, has its usual one", () => {
  assert.deepEqual([line([11], "own"), line([0], "own")], ["uefi tftp -", "bios tftp undionly.kpxe"]);
});
