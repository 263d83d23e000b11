import assert from "node:assert/strict";
import { test } from "node:test";
import { readLibraries } from "../install/libraries.ts";
import { adviceFor, failureBanner } from "./advice.ts";
import { certificateStartMs } from "./earliest-time.ts";

test("every failure has an advice", () => {
  assert.match(adviceFor("findSwitchPort"), /LLDP/);
  assert.match(adviceFor("encryptRoot"), /disk/);
  for (const step of ["discardKeys", "makeKeys", "addBootEntry"] as const) {
    assert.match(adviceFor(step), /NVRAM/);
    assert.doesNotMatch(adviceFor(step), /disk/);
  }
  assert.match(adviceFor("loadDrivers"), /birther image build/);
});

test("the banner of a failure fits a serial console and wraps long reasons", () => {
  const lines = failureBanner({
    step: "compute the place",
    reason: `none of the 3 placement rules matches switch "${"x".repeat(90)}" port "swp1" and so there is no place for it`,
    next: adviceFor("computePlace"),
    retrySeconds: 30,
    identity: ["Machine: m-525400000001"],
  });
  assert.ok(
    lines.every((line) => line.length === 78),
    lines.join("\n"),
  );
  assert.ok(lines.some((line) => line.includes("Machine: m-525400000001")));
  assert.ok(lines.some((line) => line.includes("The machine retries in 30 seconds")));
});

test("when a certificate begins", () => {
  // openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -not_before 20260102030405Z
  assert.equal(
    certificateStartMs(certificate("\x17\x0d260102030405Z\x17\x0d360101000000Z")),
    Date.UTC(2026, 0, 2, 3, 4, 5),
  );
  assert.equal(certificateStartMs(certificate("\x18\x0f20520229000000Z")), Date.UTC(2052, 1, 29));
  assert.equal(certificateStartMs(certificate("\x17\x0d991231235959Z")), Date.UTC(1999, 11, 31, 23, 59, 59));
  assert.equal(certificateStartMs("no certificate"), undefined);
  assert.equal(certificateStartMs(certificate("nothing")), undefined);
});

function certificate(content: string): string {
  const base64 = Buffer.from(`0\x82 some bytes ${content}`, "latin1").toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
}

test("the libraries that ld.so lists", () => {
  assert.deepEqual(
    readLibraries(`\tlinux-vdso.so.1 (0x00007ffd1d5f6000)
\tlibcryptsetup.so.12 => /lib/x86_64-linux-gnu/libcryptsetup.so.12 (0x00007f0c2ce00000)
\tlibgone.so => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f0c2d0b4000)
`),
    ["/lib/x86_64-linux-gnu/libcryptsetup.so.12", "/lib64/ld-linux-x86-64.so.2"],
  );
});
