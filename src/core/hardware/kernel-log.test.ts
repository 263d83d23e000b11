import assert from "node:assert/strict";
import { test } from "node:test";
import { readKernelMessages } from "./kernel-log.ts";

test("messages of the kernel are read with priority and time; properties and what programs wrote are left out", () => {
  const records = [
    "6,339,5140900,-;NET: Registered PF_PACKET protocol family",
    " SUBSYSTEM=pci",
    " DEVICE=+pci:0000:03:00.0",
    "3,400,7000123,-;bnx2x 0000:03:00.0: firmware: failed to load bnx2x/bnx2x-e2-7.13.21.0.fw (-2)",
    "30,401,7000200,-;udevd[1]: starting",
    "4,402,7000300,c;a\\x1b[1mb \\x5c c",
    "damaged",
    "",
  ].join("\n");
  assert.deepEqual(readKernelMessages(records), [
    { priority: 6, atMs: 5140, text: "NET: Registered PF_PACKET protocol family" },
    {
      priority: 3,
      atMs: 7000,
      text: "bnx2x 0000:03:00.0: firmware: failed to load bnx2x/bnx2x-e2-7.13.21.0.fw (-2)",
    },
    { priority: 4, atMs: 7000, text: "a\u001b[1mb \\ c" },
  ]);
});
