import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import type { LinkProfile } from "../../src/core/host-network/profile.ts";
import { type HostNetworkPlan, networkFiles } from "../../src/core/install/network-files.ts";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";
import { waitFor } from "../support/inside-namespace.ts";

const mac = macOf("52:54:00:00:00:01");
const link = (name: string, more: Partial<LinkProfile> = {}): LinkProfile => ({
  ...{ name, addresses: [], routes: [], vlans: [] },
  ...more,
});
const permanent = {
  ...{ address: ip("10.77.1.71"), prefixLength: 24, gateway: ip("10.77.1.1"), nameservers: [ip("10.77.1.53")] },
  ipv6: { address: "2001:db8:1::47", prefixLength: 64, gateway: "fe80::1", nameservers: ["2001:db8:1::53"] },
};
const routes = [{ to: "10.0.0.0/8", via: "10.77.1.2" }];
const addresses = [{ first: "10.90.0.0", step: { unit: 1 }, prefixLength: 16 }];

/**
 * Debian's systemd-networkd, in network and mount namespaces with these files of a machine and one NIC. /sys is read-only,
 * so that networkd does not wait for a udev. It runs until the test ends; `log` is what it has said.
 */
function startNetworkd(t: { readonly after: (act: () => void) => void }, plan: HostNetworkPlan) {
  const directory = mkdtempSync(join(tmpdir(), "networkd-"));
  chmodSync(directory, 0o755); // networkd reads it as another user
  const files = networkFiles(plan);
  for (const { path, text } of files) writeFileSync(join(directory, basename(path)), text);
  // What the parser says of a fault: without this line in its log, silence about ours would prove nothing.
  writeFileSync(join(directory, "99-control.network"), "[Match]\nName=none\n[Network]\nNoSuchKey=1\n");
  const log = join(directory, "log");
  const script = [
    "set -e",
    "mount -t tmpfs run /run && mkdir -p /run/systemd/network",
    'mount --bind "$0" /etc/systemd/network',
    "mount -t sysfs -o ro sys /sys",
    `ip link add name leg0 address ${mac} type veth peer name far0`,
    "ip link set far0 up",
    `export SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console`,
    'exec timeout 300 /lib/systemd/systemd-networkd > "$0/log" 2>&1',
  ].join("\n");
  const words = ["--pdeathsig", "KILL", "unshare", "--net", "--mount", "sh", "-c", script, directory];
  const child = spawn("setpriv", words, { stdio: ["ignore", "inherit", "inherit"] });
  t.after(() => {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  const inside = (...argv: readonly string[]) =>
    spawnSync("nsenter", ["--net", "--target", String(child.pid), ...argv], { encoding: "utf8" }).stdout;
  return { files, inside, log: () => (existsSync(log) ? readFileSync(log, "utf8") : "") };
}

/** Lines about our files that are no information: unknown keys, values that networkd does not take. */
const complaints = (log: string) =>
  log.split("\n").filter((line) => /10-birther/.test(line) && !/matching network|Configuring with/.test(line));

test("networkd takes every line of a bond with VLANs, and makes the devices of its .netdev files", async (t) => {
  const lacp = { mode: "802.3ad", lacpRate: "fast", hashPolicy: "layer3+4", minLinks: 1, least: 2 } as const;
  const legs = [mac, macOf("52:54:00:00:00:02")].map((each, index) => ({ name: `eth${index}`, mac: each }));
  const vlans = [{ vlan: 200, mtu: 1500, addresses, routes: [] }];
  const { log } = startNetworkd(t, {
    permanent: { ...permanent, vlan: 120 },
    position: { unit: "7" },
    links: [
      { link: link("bond0", { bond: lacp, nics: {}, mtu: 9000, routes, vlans }), nics: legs },
      { link: link("backup", { bond: { mode: "active-backup", least: 2 }, nics: {} }), nics: legs },
    ],
  });
  const said = await waitFor("the end of networkd's start", 120, () => {
    const text = log();
    return text.includes("Enumeration completed") ? text : undefined;
  });
  assert.match(said, /99-control\.network:4: Unknown key 'NoSuchKey'/);
  assert.deepEqual(complaints(said), []);
  for (const [name, kind] of [
    ["bond0", "bond"],
    ["backup", "bond"],
    ["bond0.120", "vlan"],
    ["bond0.200", "vlan"],
  ])
    assert.match(said, new RegExp(`^${name?.replace(".", "\\.")}: loaded "${kind}"`, "m"));
});

test("networkd gives a NIC its addresses of both families, MTU and routes", async (t) => {
  const { inside, log } = startNetworkd(t, {
    ...{ permanent, position: { unit: "7" } },
    links: [{ link: link("main", { mtu: 1400, routes, addresses }), nics: [{ name: "eth0", mac }] }],
  });
  // networkd sets each address and route on its own, and does not wait for one before it sets the next.
  const wanted = ["mtu 1400", "inet 10.77.1.71/24", "inet 10.90.0.7/16", "inet6 2001:db8:1::47/64"];
  const isSet = () => {
    const routesNow = inside("ip", "route");
    const found = inside("ip", "address", "show", "dev", "leg0");
    return (
      /default via 10\.77\.1\.1/.test(routesNow) &&
      /^10\.0\.0\.0\/8 via 10\.77\.1\.2 dev leg0/m.test(routesNow) &&
      /default via fe80::1/.test(inside("ip", "-6", "route")) &&
      wanted.every((text) => found.includes(text))
    );
  };
  await waitFor(`the routes of both families, and ${wanted}`, 120, () => isSet() || undefined).catch((error: unknown) =>
    assert.fail(`${error}\n${inside("ip", "address")}${inside("ip", "route")}\n${log()}`),
  );
  assert.deepEqual(complaints(log()), []);
});
