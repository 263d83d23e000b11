import assert from "node:assert/strict";
import { test } from "node:test";
import { protectMountPoints } from "../install/machine-volumes.ts";
import { agentProtocol, machineFilterLines, parseFilter, subFilter } from "./filter.ts";

const rows: readonly {
  readonly title: string;
  readonly lines: readonly string[];
  readonly yes: readonly string[];
  readonly no: readonly string[];
}[] = [
  {
    title: "a plain line is a prefix",
    lines: ["/etc/fstab"],
    yes: ["/etc/fstab", "/etc/fstab.d", "/etc/fstab/x"],
    no: ["/etc", "/x/etc/fstab"],
  },
  { title: "a dollar makes it exact", lines: ["/etc/fstab$"], yes: ["/etc/fstab"], no: ["/etc/fstab.d"] },
  {
    title: "what is in a protected directory is protected",
    lines: ["/a$"],
    yes: ["/a", "/a/b", "/a/b/c"],
    no: ["/ab"],
  },
  { title: "a tree", lines: ["/home(|/.*)$"], yes: ["/home", "/home/x/y"], no: ["/homes"] },
  {
    title: "what is in a directory, not the directory",
    lines: ["/var/log/.*"],
    yes: ["/var/log/syslog"],
    no: ["/var/log"],
  },
  {
    title: "a bracketed dot is a dot",
    lines: ["/etc/resolv[.]conf"],
    yes: ["/etc/resolv.conf"],
    no: ["/etc/resolv-conf"],
  },
  {
    title: "a line with | stays one alternative, anchored at its start",
    lines: ["/a|/b"],
    yes: ["/a", "/b"],
    no: ["/c/b"],
  },
  { title: "comments and empty lines mean nothing", lines: ["# /", "", "  "], yes: [], no: ["/", "/etc"] },
  { title: "no lines protect nothing", lines: [], yes: [], no: ["/etc"] },
  {
    title: "! inverts the whole filter",
    lines: ["!", "/opt$", "/opt/app(|/.*)$"],
    yes: ["/etc", "/opt/other"],
    no: ["/opt", "/opt/app", "/opt/app/x"],
  },
];

for (const row of rows) {
  test(`filter: ${row.title}`, () => {
    const result = parseFilter(row.lines);
    assert.ok(result.kind === "filter");
    for (const path of row.yes) assert.equal(result.filter.protects(path), true, path);
    for (const path of row.no) assert.equal(result.filter.protects(path), false, path);
  });
}

test("filter: an invalid regular expression is named", () => {
  const result = parseFilter(["/etc", "/a(b"]);
  assert.ok(result.kind === "badLine");
  assert.equal(result.line, "/a(b");
});

test("filter: files that a birth writes are protected, files of an image are not", () => {
  const filter = subFilter(machineFilterLines, agentProtocol);
  const born = [
    "/etc/fstab",
    "/etc/hostname",
    "/etc/birther/sub.json",
    "/usr/local/sbin/birther-agent",
    "/etc/systemd/network/10-birther.network",
    "/etc/birther/volumes.json",
    "/etc/birther/volumes/data1.key",
    "/etc/systemd/system/birther-volumes.service",
    "/etc/systemd/system/local-fs.target.wants/birther-volumes.service",
  ];
  for (const path of [
    ...born,
    "/boot/grub/grub.cfg",
    "/boot/efi",
    "/.birther-agent/objects/aa",
    "/var/lib/birther/patched-image",
    "/etc/.updated",
    "/var/.updated",
  ]) {
    assert.equal(filter.protects(path), true, path);
  }
  for (const path of [
    "/etc",
    "/etc/passwd",
    "/boot",
    "/boot/vmlinuz-6.1.0",
    "/usr/local/sbin",
    "/etc/systemd/network",
    "/etc/.updated.d",
    "/usr/.updated",
    "/var/lib",
    "/var/log",
  ]) {
    assert.equal(filter.protects(path), false, path);
  }
});

test("filter: an image's own filter cannot give up the sub", () => {
  assert.equal(subFilter(["!", "/.*"], agentProtocol).protects("/usr/local/sbin/birther-agent"), true);
});

test("filter: paths of an agent called subd are protected where it runs, and free for the Dominator's subd elsewhere", () => {
  for (const path of [
    "/.subd/objects/aa",
    "/etc/systemd/system/subd.service",
    "/etc/systemd/system/multi-user.target.wants/subd.service",
    "/usr/local/sbin/subd",
  ]) {
    assert.equal(subFilter(["!", "/.*"], 1).protects(path), true, path);
    assert.equal(subFilter(machineFilterLines, agentProtocol).protects(path), false, path);
  }
  for (const protocol of [1, agentProtocol]) {
    assert.equal(subFilter([], protocol).protects("/usr/local/lib/birther/subd.js"), true);
    assert.equal(subFilter([], protocol).protects("/etc/systemd/system/subd.service.d"), false);
  }
});

test("filter: mount points of volumes are protected with all that is in them, whatever the image's filter says", () => {
  const volumes = [{ name: "data1", partUuid: "", fileSystem: "ext4", mountPoint: "/srv/disk1" }] as const;
  for (const lines of [[], ["/srv/.*"], ["!", "/.*"]]) {
    const filter = protectMountPoints(subFilter(lines, agentProtocol), volumes);
    for (const path of ["/srv/disk1", "/srv/disk1/a/b"])
      assert.deepEqual([filter.matches(path), filter.protects(path)], [true, true], path);
  }
  const filter = protectMountPoints(subFilter([], agentProtocol), volumes);
  for (const path of ["/srv", "/srv/disk10", "/srv/disk"]) assert.equal(filter.protects(path), false, path);
});
