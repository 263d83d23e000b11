import assert from "node:assert/strict";
import { test } from "node:test";
import { lldpFlagFor } from "./firmware-agent.ts";

test("the LLDP agents in the firmware of Intel's NICs are switched off", () => {
  assert.deepEqual(lldpFlagFor("i40e"), { flag: "disable-fw-lldp", on: true });
  assert.deepEqual(lldpFlagFor("ice"), { flag: "fw-lldp-agent", on: false });
  assert.equal(lldpFlagFor("virtio_net"), undefined);
});
