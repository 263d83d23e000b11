import assert from "node:assert/strict";
import { test } from "node:test";
import { orderProtocol } from "../../src/core/birth/order-answer.ts";
import { diskKeyVariable } from "../../src/core/boot-loader/efi-variable.ts";
import { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { readArp, writeArpReply } from "../../src/core/net/arp.ts";
import { formatIpv4 } from "../../src/core/net/ipv4.ts";
import type { Mac } from "../../src/core/net/mac.ts";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";
import type { BoardFacts } from "./host/board.ts";
import { kernelRelease } from "./host/devices/drivers.ts";
import type { Trouble, TroubleRule } from "./host/system/trouble.ts";
import { type Boot, lldpFrame, mac, rackMachine, type Trial } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

/**
 * A fault and its effect on the birth. To add one, add a row: the fault, and the step and the reason that the console
 * and the MDB must name. After each, the same machine is powered on again without the fault, and must be born.
 */
type Row = {
  readonly title: string;
  readonly trial: Trial;
  readonly board?: Partial<BoardFacts>;
  readonly config?: { readonly [key: string]: unknown };
  /** The step that fails and a part of its reason; or how else the run ends. */
  readonly fails: readonly [step: string, reason: RegExp] | "reset";
  /** The fault is permanent: it is in the board or the site. */
  readonly stays?: true;
};

const fails = (errno: Extract<Trouble, { kind: "fails" }>["errno"]): Trouble => ({ kind: "fails", errno });
const one = (call: string, about: RegExp, trouble: Trouble, more: Partial<TroubleRule> = {}): Trial => ({
  troubles: [{ call, about, trouble, ...more }],
});
const exits = (program: RegExp, status = 1): Trial =>
  one("exec", program, { kind: "exits", status, output: "no luck\n" });
const module = (file: string) => ({ without: [`/lib/modules/${kernelRelease}/kernel/${file}`] });
const text = (change: (text: string) => string): Trouble => ({
  kind: "garbles",
  change: (bytes) => Buffer.from(change(Buffer.from(bytes).toString("latin1")), "latin1"),
});
const smallDisk = { name: "vda", sizeBytes: 2 ** 30, serial: "small" };
const noUnencrypted = { storage: { allowUnencrypted: false, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 } };
const otherPort = { frames: [lldpFrame("tor-1", "mgmt0")], everyMs: 1000 };

/**
 * How often a birth reads the disk's serial number: the last five checks, of two reads each, come at the beginning, and
 * before headers are overwritten, the disk discards its data, signatures are erased and the table is written.
 */
const serialReads = countCalls(/^read .*vda\/serial$/);

/** How often a birth reads from the disk itself; the last reads are those that prove the old signatures gone. */
const contentReads = countCalls(/^read \/dev\/vda$/);

function countCalls(call: RegExp): number {
  const site = openSite();
  const { kernel } = rackMachine(site).bootInit();
  site.close();
  return kernel.cpu.calls.filter((each) => call.test(each)).length;
}

const otherMac = macOf("02:00:00:00:00:99");

/** Answers ARP for these hosts, by their addresses. */
function hostsAt(hosts: { readonly [address: string]: Mac }): (frame: Uint8Array) => readonly Uint8Array[] {
  return (frame) => {
    const asked = readArp(frame);
    const answering = asked === undefined ? undefined : hosts[formatIpv4(asked.targetAddress)];
    if (asked === undefined || answering === undefined) return [];
    return [writeArpReply({ mac: answering, address: asked.targetAddress }, asked)];
  };
}

/** Until the slot is accepted, the disks must be unchanged. */
const beforePlacement: readonly Row[] = [
  {
    title: "the boot script's words are missing",
    trial: one(
      "read",
      /cmdline/,
      text((line) => line.replace("birther.token", "token")),
    ),
    fails: ["read boot settings", /birther\.token/],
  },
  {
    title: "the kernel's list of modules cannot be read",
    trial: one("read", /modules\.dep/, fails("EIO")),
    fails: ["load drivers", /modules\.dep/],
  },
  {
    title: "the NIC's driver is missing",
    trial: module("drivers/net/virtio_net.ko"),
    fails: ["bring the network up", /52:54:00:12:34:56/],
  },
  {
    title: "no link",
    trial: one(
      "read",
      /carrier/,
      text(() => "0\n"),
    ),
    fails: ["bring the network up", /eth0.*60 s/],
  },
  {
    title: "the address is not taken",
    trial: one("interfaceAddress", /eth0/, fails("ENODEV")),
    fails: ["bring the network up", /interfaceAddress eth0 10\.77\.0\.50\/24: No such device/],
  },
  {
    title: "another host uses the address from DHCP",
    trial: { wire: { answer: hostsAt({ "10.77.0.50": otherMac }) } },
    fails: ["bring the network up", /10\.77\.0\.50 to be free.*02:00:00:00:00:99/],
  },
  {
    title: "another host uses the permanent address",
    trial: { wire: { answer: hostsAt({ "10.77.1.71": otherMac, "10.77.0.1": macOf("02:00:00:00:00:01") }) } },
    fails: ["check the permanent address", /10\.77\.1\.71, the permanent address of r01u07.*02:00:00:00:00:99/],
  },
  {
    title: "the CA certificate is not in the image",
    trial: { without: ["/etc/birther/ca.pem"] },
    fails: ["bring the network up", /read \/etc\/birther\/ca\.pem: No such file/],
  },
  {
    title: "nobody listens at the MDB's port",
    trial: one("tcpConnect", /:443/, fails("ECONNREFUSED")),
    fails: ["ask for the order", /120 s.*Connection refused/],
  },
  {
    title: "the MDB's certificate is another authority's",
    trial: one("tlsOpen", /:443/, { kind: "says", words: "not correctly signed by the trusted CA" }),
    fails: ["ask for the order", /not correctly signed by the trusted CA/],
  },
  {
    title: "the token is none of the MDB's",
    trial: one(
      "read",
      /cmdline/,
      text((line) => line.replace(/token=\w{8}/, "token=00000000")),
    ),
    fails: ["ask for the order", /token/],
  },
  {
    title: "the order is cut off in the middle of its JSON",
    trial: one(
      "tlsRead",
      /:443/,
      text((answer) => answer.replace(/"machineId"/, '"machineIX"')),
    ),
    fails: ["ask for the order", /order.*machineId/],
  },
  {
    title: "the clock cannot be set",
    trial: one("setTime", /^$/, fails("EPERM")),
    fails: ["ask for the order", /setTime: Operation not permitted/],
  },
  {
    title: "no disk",
    trial: {},
    board: { disks: [] },
    fails: ["choose the root disk", /no disk/],
    stays: true,
  },
  {
    title: "only a small disk",
    trial: {},
    board: { disks: [smallDisk] },
    fails: ["choose the root disk", /2048 MiB.*\/dev\/vda 1024 MiB/],
    stays: true,
  },
  {
    title: "the disk's driver is missing",
    trial: module("drivers/block/virtio_blk.ko"),
    fails: ["choose the root disk", /no disk/],
  },
  {
    title: "a disk that hangs in the burn-in",
    trial: one("read", /^\/dev\/vda$/, { kind: "hangs" }),
    fails: "reset",
  },
  {
    title: "an order of a newer protocol",
    trial: one(
      "tlsRead",
      /./,
      // As many bytes as announced: a key that init need not know gets shorter.
      text((answer) =>
        answer
          .replace('"protocol":1', `"protocol":${orderProtocol + 1}`)
          .replace("keepsErasures", "keepsErasures".slice(0, 1 - String(orderProtocol + 1).length)),
      ),
    ),
    fails: [
      "ask for the order",
      new RegExp(`order: expected protocol ${orderProtocol} or lower, found ${orderProtocol + 1}`),
    ],
  },
  { title: "no LLDP", trial: { mute: true }, fails: ["find the switch port", /LLDP.* 40 s/] },
  {
    title: "LLDP that cannot be read",
    trial: one("packetReceive", /eth0/, { kind: "garbles", change: (frame) => frame.subarray(0, 20) }),
    fails: ["find the switch port", /LLDP.* 40 s/],
  },
  {
    title: "a port that no rule places",
    trial: { wire: { lldp: otherPort } },
    fails: ["compute the place", /mgmt0/],
  },
  {
    title: "no image rule matches",
    trial: {},
    config: { images: [{ image: "compute", when: { minCpus: 64 } }] },
    fails: ["choose the image", /image/],
    stays: true,
  },
  {
    title: "NVRAM is read-only, and the policy asks for encryption",
    trial: one("create", /efivars\/BirtherProbe/, fails("EROFS")),
    config: noUnencrypted,
    fails: ["plan the installation", /Read-only file system.*allowUnencrypted/],
  },
  {
    title: "NVRAM is full, and the policy asks for encryption",
    trial: one("write", /efivars\/BirtherProbe/, fails("ENOSPC")),
    config: noUnencrypted,
    fails: ["plan the installation", /No space left on device.*allowUnencrypted/],
  },
  {
    title: "a BIOS, and the policy asks for encryption",
    trial: {},
    board: { firmware: "bios" },
    config: noUnencrypted,
    fails: ["plan the installation", /BIOS.*allowUnencrypted/],
    stays: true,
  },
  {
    title: "Secure Boot is on, and the order has no signed loader",
    trial: {},
    board: { secureBoot: true },
    fails: ["plan the installation", /Secure Boot.*signed/],
    stays: true,
  },
  {
    title: "a file system's driver is missing",
    trial: module("fs/ext4/ext4.ko"),
    fails: ["load drivers for file systems", /ext4\.ko: No such file/],
  },
  {
    title: "another disk stands at the path when the installation begins",
    trial: one(
      "read",
      /vda\/serial/,
      text(() => "another\n"),
      { from: serialReads - 9 },
    ),
    fails: ["check the root disk", /now another disk.*serial another/],
  },
];

/** Afterwards the previous contents are given up, and the next attempt must work with what this one left. */
const afterPlacement: readonly Row[] = [
  {
    title: "old keys cannot be deleted",
    trial: one("readdir", /efivars$/, fails("EIO"), { from: 3 }),
    fails: ["discard old keys", /list \/sys\/firmware\/efi\/efivars: Input\/output error/],
  },
  {
    title: "the firmware refuses the key",
    trial: one("write", /BirtherDiskKey/, fails("EIO")),
    fails: ["make keys", /write .*BirtherDiskKey.*: Input\/output error/],
  },
  {
    title: "the firmware keeps another key than it was given",
    trial: one("read", /BirtherDiskKey/, { kind: "garbles", change: (bytes) => bytes.map((byte) => byte ^ 1) }),
    fails: ["make keys", /BirtherDiskKey/],
  },
  {
    title: "another disk stands at the path when its headers are to be overwritten",
    trial: one(
      "read",
      /vda\/serial/,
      text(() => "another\n"),
      { from: serialReads - 7 },
    ),
    fails: ["erase old LUKS headers", /now another disk.*serial another/],
  },
  {
    title: "another disk stands at the path when it is to forget its data",
    trial: one(
      "read",
      /vda\/serial/,
      text(() => "another\n"),
      { from: serialReads - 5 },
    ),
    fails: ["discard old data", /now another disk.*serial another/],
  },
  {
    title: "another disk stands at the path when its signatures are about to be erased",
    trial: one(
      "read",
      /vda\/serial/,
      text(() => "another\n"),
      { from: serialReads - 3 },
    ),
    fails: ["erase old signatures", /now another disk.*serial another/],
  },
  {
    title: "the end of the disk cannot be read to erase what is there",
    trial: one("read", /^\/dev\/vda$/, fails("EIO"), { from: contentReads }),
    fails: ["erase old signatures", /read \/dev\/vda: Input\/output error/],
  },
  {
    title: "another disk stands at the path when it is about to be partitioned",
    trial: one(
      "read",
      /vda\/serial/,
      text(() => "another\n"),
      { from: serialReads - 1 },
    ),
    fails: ["partition", /now another disk.*serial another/],
  },
  {
    title: "sfdisk is missing",
    trial: { without: ["/usr/sbin/sfdisk"] },
    fails: ["partition", /sfdisk.*: status 127/],
  },
  { title: "sfdisk fails", trial: exits(/sfdisk/), fails: ["partition", /status 1: no luck/] },
  {
    title: "sfdisk hangs",
    trial: one("exec", /sfdisk/, { kind: "runsFor", milliseconds: Number.POSITIVE_INFINITY }),
    fails: ["partition", /sfdisk.*110 s/],
  },
  {
    title: "the disk takes no partition table",
    trial: one("write", /^\/dev\/vda$/, fails("EIO"), { from: 6 }),
    fails: ["partition", /Input\/output error/],
  },
  {
    title: "the kernel holds on to the old partitions",
    trial: one("rereadPartitions", /vda/, fails("EBUSY")),
    fails: ["partition", /rereadPartitions \/dev\/vda: Device or resource busy/],
  },
  {
    title: "the new partitions never show",
    trial: one("stat", /^\/dev\/vda3$/, fails("ENOENT")),
    fails: ["partition", /\/dev\/vda3.*20 s/],
  },
  {
    title: "LUKS cannot be made",
    trial: exits(/luksFormat/),
    fails: ["encrypt root", /luksFormat.*status 1: no luck/],
  },
  {
    title: "LUKS does not open",
    trial: exits(/cryptsetup open/, 2),
    fails: ["encrypt root", /open.*status 2: no luck/],
  },
  { title: "the root file system", trial: exits(/mke2fs.*-L root/), fails: ["make root file system", /no luck/] },
  { title: "the boot file system", trial: exits(/mke2fs.*-L boot/), fails: ["make boot file system", /no luck/] },
  { title: "the EFI file system", trial: exits(/mkfs\.vfat/), fails: ["make EFI file system", /no luck/] },
  {
    title: "a file system that says it was made and was not",
    trial: exits(/mke2fs.*-L root/, 0),
    fails: ["mount root", /mount \/dev\/mapper\/birther-root on \/mnt as ext4: Invalid argument/],
  },
  { title: "mount root", trial: one("mount", /^\/mnt$/, fails("EIO")), fails: ["mount root", /Input\/output error/] },
  {
    title: "mount boot",
    trial: one("mount", /^\/mnt\/var\/lib\/birther\/boot$/, fails("EIO")),
    fails: ["mount boot", /Input\/output/],
  },
  {
    title: "mount EFI",
    trial: one("mount", /^\/mnt\/boot\/efi$/, fails("EIO")),
    fails: ["mount EFI file system", /Input\/output/],
  },
  {
    title: "the ESP is full",
    trial: one("write", /BOOTX64\.EFI/, fails("ENOSPC")),
    fails: ["install boot loader", /copy .*BOOTX64\.EFI: No space left on device/],
  },
  {
    title: "a directory cannot be made",
    trial: one("mkdir", /^\/mnt\/etc\/birther$/, fails("EROFS")),
    fails: ["make directories", /make directory \/mnt\/etc\/birther: Read-only file system/],
  },
  {
    title: "a host file cannot be written",
    trial: one("write", /^\/mnt\/etc\/fstab$/, fails("ENOSPC")),
    fails: ["write host files", /write \/mnt\/etc\/fstab: No space left on device/],
  },
  {
    title: "a service's link cannot be made",
    trial: one("symlink", /birther-agent\.service/, fails("EROFS")),
    fails: ["enable services", /Read-only file system/],
  },
  {
    title: "the sub cannot be read from the image",
    trial: one("read", /agent\.js/, fails("EIO")),
    fails: ["copy birther-agent", /copy .*agent\.js .*: Input\/output error/],
  },
  {
    title: "the unlocker's libraries cannot be listed",
    trial: exits(/--list/, 127),
    fails: ["copy the unlocker", /status 127/],
  },
  { title: "the disk hangs while all is written to it", trial: one("sync", /^$/, { kind: "hangs" }), fails: "reset" },
];

/** The end of the console's output after a failed birth. */
function lastError({ kernel }: Boot): string {
  return kernel.screen.findLast((line) => line.includes("ERROR: "))?.replace(/^.*ERROR: /, "") ?? "";
}

function assertFailed(row: Row, boot: Boot, site: Site): void {
  const shown = boot.kernel.screen.join("\n");
  if (row.fails === "reset") {
    assert.deepEqual(boot.end, { kind: "reset", by: "watchdog" }, shown);
    return;
  }
  const [step, reason] = row.fails;
  assert.deepEqual(boot.end, { kind: "restarted", how: "restart" }, shown);
  assert.ok(lastError(boot).startsWith(`${step}: `), `${lastError(boot)}\n${shown}`);
  assert.match(lastError(boot), reason);
  const notified = site.machine(mac).conditions.find(({ kind }) => kind === "failing")?.reason;
  if (notified !== undefined) assert.match(notified, reason);
}

function assertBornNow(boot: Boot, site: Site): void {
  assert.equal(boot.end.kind, "switchedRoot", boot.kernel.screen.join("\n"));
  const { state, conditions } = site.machine(mac);
  assert.equal(state, "healthy");
  assert.deepEqual(conditions, []);
}

for (const [rows, touched] of [
  [beforePlacement, false],
  [afterPlacement, true],
] as const)
  for (const row of rows)
    test(`birth: ${row.title}`, (t) => {
      const site = openSite(row.config === undefined ? {} : { config: row.config });
      t.after(site.close);
      const machine = rackMachine(site, row.board);
      const contents = () => [...machine.board.disks.values()].map((disk) => [...disk.contents()]);
      const old = contents();
      const boot = machine.bootInit(row.trial);
      assert.ok(row.trial.troubles === undefined || boot.kernel.cpu.struck() > 0, "the trouble never came");
      assertFailed(row, boot, site);
      if (!touched) {
        assert.deepEqual(contents(), old, "nothing is written to a disk before the place is accepted");
        assert.ok(!machine.board.nvram.root.entries.has(diskKeyVariable));
      }
      if (row.stays === undefined) assertBornNow(machine.bootInit(), site);
    });

test("birth: a boot entry that the firmware refuses is a warning on the record, because the fallback path exists", (t) => {
  const site = openSite();
  t.after(site.close);
  const boot = rackMachine(site).bootInit(one("write", /efivars\/Boot0001/, fails("ENOSPC")));
  assertBornNow(boot, site);
  const machine = site.machine(mac);
  assert.ok(machine.state === "healthy");
  assert.match(machine.storage.bootOrder?.fault ?? "", /write .*Boot0001.*: No space left on device/);
  assert.ok(boot.kernel.screen.some((line) => line.includes("the firmware refused the boot entry")));
});

test("birth: an address in use is declined, so that the next attempt gets another one", (t) => {
  const site = openSite();
  t.after(site.close);
  const answers = hostsAt({ "10.77.0.50": otherMac });
  const sent: Uint8Array[] = [];
  const answer = (frame: Uint8Array) => {
    sent.push(frame);
    return answers(frame);
  };
  rackMachine(site).bootInit({ wire: { answer } });
  const messages = sent.map((frame) => readDhcp(frame.subarray(14 + 20 + 8)));
  const [declined] = messages.flatMap((message) => (message.kind === "packet" ? [message.packet] : []));
  assert.deepEqual(declined?.options, {
    dhcpMessageType: "decline",
    requestedIpAddress: ip("10.77.0.50"),
    serverIdentifier: ip("10.77.0.1"),
  });
});

test("birth: a router that answers for every address hides other hosts, and stops no birth", (t) => {
  const site = openSite();
  t.after(site.close);
  const answer = hostsAt({ "10.77.1.71": otherMac, "10.77.0.1": otherMac });
  const gateway = text((line) =>
    line.replace(/birther\.time=\d+/, (time) => "birther.gw=10.77.0.1".padEnd(time.length)),
  );
  const boot = rackMachine(site).bootInit({ ...one("read", /cmdline/, gateway), wire: { answer } });
  assertBornNow(boot, site);
  assert.ok(boot.kernel.screen.some((line) => line.includes("the router answers for the permanent address")));
});

test("birth: neighbours that contradict each other are a conflict, on record with all of them, until one place is left", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  const frames = [lldpFrame("tor-1", "swp7"), lldpFrame("tor-1", "swp9")];
  machine.bootInit({ wire: { lldp: { frames, everyMs: 500 } } });
  const refused = site.machine(mac);
  assert.deepEqual(
    refused.conditions.map(({ kind }) => kind),
    ["conflict"],
  );
  assert.match(
    refused.conditions[0]?.reason ?? "",
    /compute the place: expected neighbours that give one place.*r01u09/,
  );
  assert.deepEqual(
    refused.neighbours?.map(({ port }) => port),
    ["swp7", "swp9"],
  );
  assertBornNow(machine.bootInit(), site);
  assert.deepEqual(
    site.machine(mac).neighbours?.map(({ port }) => port),
    ["swp7"],
  );
});

test("birth: another host at the permanent address is a conflict on the record, until it is gone", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  machine.bootInit({ wire: { answer: hostsAt({ "10.77.1.71": otherMac }) } });
  const [condition] = site.machine(mac).conditions;
  assert.equal(condition?.kind, "conflict");
  assert.match(condition?.reason ?? "", /10\.77\.1\.71.*02:00:00:00:00:99/);
  assertBornNow(machine.bootInit(), site);
});
