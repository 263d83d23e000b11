import assert from "node:assert/strict";
import { test } from "node:test";
import { hexFromBytes } from "../bytes/text.ts";
import { noRouterAdvertisement } from "./router-advertisement.ts";
import { macOf } from "./testing/addresses.ts";

test("a router advertisement that says there is no router, byte for byte", () => {
  const packet = noRouterAdvertisement(macOf("02:00:5e:b1:00:01"), macOf("52:54:00:b1:00:02"));
  assert.equal(
    hexFromBytes(packet),
    [
      "60000000 0010 3a ff",
      "fe80000000000000 00005efffeb10001",
      "fe80000000000000 505400fffeb10002",
      // Computed by hand: the one's complement sum over pseudo header and message.
      "86 00 cef9 00 00 0000 00000000 00000000",
    ]
      .join("")
      .replace(/ /g, ""),
  );
});
