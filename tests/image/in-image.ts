// Runs as PID 1 of the Bootstrap Image in a virtual machine with an empty virtio disk, a LUKS volume, a NIC and a watchdog:
// uses every tool and system call once, prints a line each, and reboots out of a changed root.
import * as host from "host";
import * as os from "os";
import { makingCommand } from "../../src/core/install/volume-file-system.ts";
import { copyFile, exists, list, makeDirectories, readText, writeText } from "../../src/init/system/files.ts";
import { run, runOrThrow } from "../../src/init/system/run.ts";

// The test knows it, too: it opens the volume with Debian's cryptsetup, which wrote the one on the second disk.
const key = Uint8Array.from({ length: 64 }, (_, index) => index);
const luks = [
  "--batch-mode",
  "--type",
  "luks2",
  "--pbkdf",
  "pbkdf2",
  "--pbkdf-force-iterations",
  "1000",
  "--key-file",
  "-",
];

function check(name: string, action: () => unknown) {
  const start = host.monotonicMs();
  try {
    const said = action();
    print(`ok ${name}: ${said ?? ""} (${Math.round(host.monotonicMs() - start)} ms)`);
  } catch (error) {
    print(`not ok ${name}: ${error instanceof Error ? error.message : error}`);
  }
}

print("PID 1 runs");
check("mounts", () => {
  host.mount("proc", "/proc", "proc", 0, "");
  host.mount("sysfs", "/sys", "sysfs", 0, "");
  host.mount("devtmpfs", "/dev", "devtmpfs", 0, "");
  host.mount("tmpfs", "/run", "tmpfs", 0, "mode=0755");
});
const modules = `/lib/modules/${readText("/proc/sys/kernel/osrelease").trim()}`;
for (const name of ["virtio_pci", "virtio_blk", "virtio_net", "i6300esb", "dm_crypt", "algif_skcipher"]) {
  check(`modprobe ${name}`, () => runOrThrow(["modprobe", name]));
}
if (exists("/usr/lib/birther/firmware-families")) {
  check("firmware", () => readText("/usr/lib/birther/firmware-families").trim());
  for (const name of ["bnx2x", "qede"]) check(`modprobe ${name}`, () => runOrThrow(["modprobe", name]));
  check("firmware files", () =>
    ["bnx2x", "qed"].map((name) => list(`/lib/firmware/${name}`).some((file) => /\.(fw|bin)$/.test(file))).join(" "),
  );
  check("modules of the image", () => readText(`${modules}/modules.dep`).includes("/virtio_net.ko:"));
} else
  check("no firmware", () => !exists("/lib/firmware") && readText(`${modules}/modules.firmware`).includes("bnx2x"));
check("loadModule", () => {
  host.loadModule(`${modules}/kernel/drivers/watchdog/softdog.ko`, "soft_noboot=1");
  host.loadModule(`${modules}/kernel/drivers/watchdog/softdog.ko`, "");
});
check("disk", () => {
  for (let tries = 0; !exists("/dev/vda") && tries < 1200; tries += 1) os.sleep(50);
  return Number(readText("/sys/block/vda/size")) * 512;
});
check("sfdisk", () => {
  runOrThrow(["sfdisk", "--quiet", "/dev/vda"], {
    input: "label: gpt\nsize=64MiB,type=U\nsize=64MiB,type=L\ntype=L\n",
  });
  host.rereadPartitions("/dev/vda");
  for (let tries = 0; !exists("/dev/vda3") && tries < 1200; tries += 1) os.sleep(50);
  return readText("/sys/block/vda/vda3/size").trim();
});
check("mkfs.vfat", () => {
  runOrThrow(["mkfs.vfat", "-n", "ESP", "/dev/vda1"]);
  host.mount("/dev/vda1", "/mnt", "vfat", 0, "");
  writeText("/mnt/Grüße.txt", "x");
  const names = list("/mnt").join();
  host.unmount("/mnt", 0);
  return names;
});
check("cryptsetup", () => {
  runOrThrow(["cryptsetup", "luksFormat", ...luks, "/dev/vda3"], { input: key });
  runOrThrow(["cryptsetup", "open", "--key-file", "-", "/dev/vda3", "birther-root"], { input: key });
  return run(["cryptsetup", "open", "--key-file", "-", "/dev/vda3", "no"], { input: "wrong" }).output.trim();
});
check("cryptsetup by Debian", () => {
  runOrThrow(["cryptsetup", "open", "--key-file", "-", "/dev/vdb", "theirs"], { input: key });
  return exists("/dev/mapper/theirs");
});
check("mkfs.ext4", () => {
  runOrThrow(["mkfs.ext4", "-q", "-L", "root", "/dev/mapper/birther-root"]);
  host.mount("/dev/mapper/birther-root", "/mnt", "ext4", 0, "");
  const { totalBytes, freeBytes, freeInodes } = host.statfs("/mnt");
  return [totalBytes > 0, freeBytes > 0, freeInodes > 0].join();
});
check("mkfs.xfs", () => {
  runOrThrow(["dd", "bs=1M", "count=0", "seek=400", "if=/dev/zero", "of=/mnt/volume"]);
  runOrThrow(makingCommand("xfs", { device: "/mnt/volume", name: "data128", encrypted: true }));
  const { status, output } = run(["head", "-c", "4", "/mnt/volume"]);
  os.remove("/mnt/volume");
  return `${status} ${output}`;
});
check("setImmutable", () => {
  writeText("/mnt/fixed", "x");
  host.setImmutable("/mnt/fixed", true);
  const refused = os.remove("/mnt/fixed") < 0;
  host.setImmutable("/mnt/fixed", false);
  return refused && os.remove("/mnt/fixed") === 0;
});
check("flushDeviceCache", () => host.flushDeviceCache("/dev/vda"));
check("watchdog", () => {
  const fd = os.open("/dev/watchdog0", os.O_WRONLY);
  const seconds = host.watchdogTimeout(fd, 40);
  os.write(fd, Uint8Array.of(86).buffer, 0, 1);
  os.close(fd);
  return seconds;
});
check("network", () => {
  host.interfaceUp("lo");
  host.interfaceUp("eth0");
  host.interfaceAddress("eth0", "10.0.2.15", 24);
  host.defaultRoute("10.0.2.2");
  host.interfaceAddress("eth0", "10.0.2.16", 24);
  host.defaultRoute("10.0.2.2");
  host.defaultRoute("10.0.2.3");
  return readText("/proc/net/route")
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t").slice(0, 3).join(" "))
    .join(";");
});
check("packets", () => {
  const fd = host.packetOpen("eth0", 0x0806);
  const mac = readText("/sys/class/net/eth0/address")
    .trim()
    .split(":")
    .map((pair) => Number.parseInt(pair, 16));
  const arp = [
    ...[255, 255, 255, 255, 255, 255],
    ...mac,
    8,
    6,
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    1,
    ...mac,
    10,
    0,
    2,
    16,
    0,
    0,
    0,
    0,
    0,
    0,
    10,
    0,
    2,
    2,
  ];
  host.packetSend(fd, Uint8Array.from(arp).buffer);
  const answer = host.packetReceive(fd, 60_000);
  const quiet = host.packetReceive(fd, 50);
  os.close(fd);
  return `${answer === undefined ? "none" : new Uint8Array(answer)[21]} ${quiet}`;
});
check("clock and name", () => {
  host.setTime(1_800_000_000_000);
  host.setHardwareClock("/dev/rtc0", 1_800_000_000_000);
  const board = Number(readText("/sys/class/rtc/rtc0/since_epoch"));
  if (Math.abs(board - 1_800_000_000) > 60) throw new Error(`the board's clock says ${board}`);
  host.hostname("born");
  return `${new Date(Date.now()).getUTCFullYear()} ${readText("/proc/sys/kernel/hostname").trim()}`;
});
check("burn-in", () => {
  const { agreed } = host.cpuTest(0.2);
  const { wrongWords } = host.memoryTest(16, 1, 0);
  return `${agreed} ${wrongWords}`;
});
check("boot loaders", () => list("/usr/lib/birther/grub").join());
check("shell", () => runOrThrow(["sh", "-c", "ls /bin/busybox | cat"]).trim());
print(`memory ${readText("/proc/meminfo").split("\n").slice(0, 3).join(" ").replace(/\s+/g, " ")}`);

makeDirectories("/mnt/usr/local/lib/birther");
copyFile("/init", "/mnt/birther-agent");
writeText(
  "/mnt/usr/local/lib/birther/agent.js",
  'import * as os from "os"; print("new root:", os.readdir("/")[0].sort().join()); throw new Error("the end of birther-agent");\n',
);
host.sync();
host.switchRoot("/mnt", ["/birther-agent"]);
