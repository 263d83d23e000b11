import assert from "node:assert/strict";
import { test } from "node:test";
import { grubImages } from "./grub.ts";

test("/boot is on the disk that the firmware started GRUB from, even if another disk has its label", () => {
  const efi = grubImages.find((image) => image.format === "x86_64-efi");
  const lines = (efi?.config ?? "").split("\n");
  const own = /^regexp --set=1:disk '(.+)' "\$cmdpath"$/.exec(
    lines.find((line) => line.includes("$cmdpath")) ?? "",
  )?.[1];
  assert.ok(own !== undefined);
  assert.equal(new RegExp(own).exec("(hd1,gpt1)/EFI/birther")?.[1], "hd1");
  assert.equal(new RegExp(own).exec("(tftp,10.77.0.1)/grub"), null);
  // The last assignment counts, and GRUB reads its configuration only from there.
  const order = ["search", "$labelled", "$cmdpath", "root=$disk,gpt2", "configfile $prefix"].map((word) =>
    lines.findIndex((line) => line.includes(word)),
  );
  assert.deepEqual(
    order,
    [...order].sort((left, right) => left - right),
  );
  assert.ok(!order.includes(-1));
});

test("GRUB has no `if` before normal mode", () => {
  for (const image of grubImages) assert.ok(!/^(if|else|fi|function|while)\b/m.test(image.config));
});
