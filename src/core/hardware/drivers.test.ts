import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matchesGlob, modulesFor, readAliases } from "./drivers.ts";

const aliases = readAliases(`# Aliases extracted from modules themselves.
alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
alias pci:v*d*sv*sd*bc01sc06i01* ahci
alias virtio:d00000001v* virtio_net
alias virtio:d00000002v* virtio_blk
alias acpi*:MSFT0101:* tpm_crb
alias net-pf-17 af_packet
`);

const devices: readonly (readonly [modalias: string, modules: readonly string[]])[] = [
  ["pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00", ["e1000e"]],
  ["pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", ["ahci"]],
  ["pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00", ["virtio_pci"]],
  ["virtio:d00000002v00001AF4", ["virtio_blk"]],
  ["acpi:MSFT0101:", ["tpm_crb"]],
  ["usb:v1d6Bp0002", []],
];
for (const [modalias, modules] of devices) {
  test(`modules for ${modalias}`, () => assert.deepEqual(modulesFor(modalias, aliases), modules));
}

const globs: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ["", "", true],
  ["*", "", true],
  ["a*b*c", "aXbYbZc", true],
  ["a*b*c", "aXbYbZ", false],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["a[0-9]c", "a5c", true],
  ["a[0-9A-F]c", "aEc", true],
  ["a[0-9]c", "axc", false],
  ["a[xyz]", "az", true],
  ["a*", "b", false],
  ["a[b", "a[b", true],
];
for (const [pattern, text, matches] of globs) {
  test(`"${pattern}" ${matches ? "matches" : "does not match"} "${text}"`, () => {
    assert.equal(matchesGlob(pattern, text), matches);
  });
}

test("globs of stars and letters agree with regular expressions", () => {
  const letters = fc.stringMatching(/^[ab*?]{0,8}$/);
  fc.assert(
    fc.property(letters, fc.stringMatching(/^[ab]{0,10}$/), (pattern, text) => {
      const expression = new RegExp(`^${pattern.replace(/\*/g, ".*").replace(/\?/g, ".")}$`);
      assert.equal(matchesGlob(pattern, text), expression.test(text));
    }),
  );
});
