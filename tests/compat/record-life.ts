import assert from "node:assert/strict";
import { makeTpm } from "../init/host/devices/tpm.ts";
import { bootFromDisk } from "../init/host/disk-boot.ts";
import { textIn } from "../init/host/grub.ts";
import { mac, rackMachine } from "../init/machine.ts";
import { openSite } from "../init/site/site.ts";
import { messagesOf, type Recorded } from "./messages.ts";
import { recordSite } from "./recording.ts";

/**
 * What a machine and its servers say to each other from its first boot to its second image, on the fake host; of messages that
 * have the same keys only the first.
 */
export function recordLife(): readonly Recorded[] {
  const site = openSite({
    secondServer: "inOrders",
    agent: { native: "native program", script: "agent script of another version" },
  });
  try {
    const exchanges = recordSite(site);
    const machine = rackMachine(site, { tpm: makeTpm() });
    machine.boot();
    const found = bootFromDisk(machine.board);
    if (found.kind === "nothingToBoot") assert.fail(found.why);
    const settings = textIn(found.root, "/etc/birther/sub.json") ?? assert.fail("the machine has no sub.json");
    machine.boot();
    site.apply({ kind: "detailsSet", id: site.machine(mac).id, by: "test", details: { requiredImage: "compute/2" } });
    machine.boot();
    machine.boot();
    site.apply({ kind: "rebirthAsked", id: site.machine(mac).id, by: "test" });
    machine.boot();
    const recorded: readonly Recorded[] = [
      ...exchanges().flatMap(messagesOf),
      { message: "subSettings", value: JSON.parse(settings) },
      ...recordVolumes(),
    ];
    const byShape = new Map<string, Recorded>();
    for (const one of recorded) if (!byShape.has(shapeOf(one))) byShape.set(shapeOf(one), one);
    return [...byShape.values()];
  } finally {
    site.close();
  }
}

/** What is said of a machine with a layout, at its birth and its rebirth. */
function recordVolumes(): readonly Recorded[] {
  const layout = {
    ...{ name: "storage", swapMiB: 256 },
    volumes: [{ name: "docker", sizeMiB: 512, mountPoint: "/var/lib/docker" }],
    data: [{ disks: { bus: "virtio" as const }, mountPoint: "/srv/disk{n}" }],
  };
  const policy = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };
  const site = openSite({
    config: { storage: { ...policy, layouts: [layout] }, images: [{ image: "compute", layout: "storage" }] },
  });
  try {
    const exchanges = recordSite(site);
    const sizeBytes = 4 * 2 ** 30;
    const machine = rackMachine(site, {
      disks: [
        { name: "vda", sizeBytes, serial: "root-disk" },
        { name: "vdb", sizeBytes: 2 * sizeBytes, serial: "data-disk" },
      ],
    });
    machine.boot();
    site.apply({ kind: "rebirthAsked", id: site.machine(mac).id, by: "test" });
    machine.boot();
    assert.equal(site.machine(mac).storage?.volumes?.length, 3);
    return exchanges().flatMap(messagesOf);
  } finally {
    site.close();
  }
}

function shapeOf({ message, value }: Recorded): string {
  return `${message} ${[...new Set(keysOf(value))].sort().join(" ")}`;
}

function keysOf(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(Array.isArray(value) ? [] : [key === "kind" || key === "action" ? `${key}=${String(inner)}` : key]),
    ...keysOf(inner),
  ]);
}
