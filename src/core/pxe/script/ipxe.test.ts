import assert from "node:assert/strict";
import { test } from "node:test";
import { writeLocalScript } from "./ipxe.ts";

test("the script that sends a machine to its disk names the BIOS drive of its root disk", () => {
  const driveOf = (text: string) => /sanboot .*--drive (\S+)/.exec(text)?.[1];
  assert.equal(driveOf(writeLocalScript("scriptSanboot", "bios", 0x81)), "0x81");
  assert.equal(driveOf(writeLocalScript("scriptSanboot", "bios")), "0x80");
  assert.equal(driveOf(writeLocalScript("scriptSanboot", "uefi", 0x81)), "0");
  assert.equal(driveOf(writeLocalScript("scriptExit", "bios", 0x81)), undefined);
});
