import assert from "node:assert/strict";
import { test } from "node:test";
import { comeUp } from "./convergence.ts";
import type { ErrnoName } from "./host/system/errno.ts";
import type { Trouble, TroubleRule } from "./host/system/trouble.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

/**
 * A fault in the agent's first hour, as PID 1 directly after the birth: the calls that fail, and how the agent names
 * the fault on the console and, if it can reach it, to the MDB. When the fault is gone, the machine must come up by
 * itself.
 */
type Row = { readonly title: string; readonly troubles: readonly TroubleRule[]; readonly says: RegExp };

const fails = (errno: ErrnoName): Trouble => ({ kind: "fails", errno });
const some = (
  call: string,
  about: RegExp,
  trouble: Trouble,
  more: Partial<TroubleRule> = {},
): readonly TroubleRule[] => [{ call, about, trouble, times: 3, ...more }];
const permanentMdb = /^10\.77\.1\.1:443$/;
const objectServer = /^10\.77\.1\.1:80$/;

const rows: readonly Row[] = [
  {
    title: "its settings cannot be read",
    troubles: some("open", /^\/etc\/birther\/sub\.json$/, fails("EIO")),
    says: /sub\.json: Input\/output error/,
  },
  {
    title: "its settings are not JSON",
    troubles: some("read", /^\/etc\/birther\/sub\.json$/, { kind: "garbles", change: (bytes) => bytes.fill(32) }),
    says: /ERROR: .*JSON/,
  },
  {
    title: "the MDB refuses connections",
    troubles: some("tcpConnect", permanentMdb, fails("ECONNREFUSED")),
    says: /WARN: .*fault=.*Connection refused/,
  },
  {
    title: "the MDB's certificate is not trusted",
    troubles: some("tlsOpen", permanentMdb, { kind: "says", words: "not correctly signed by the trusted CA" }),
    says: /not correctly signed/,
  },
  {
    title: "an answer of the MDB is cut off",
    troubles: some("tlsRead", permanentMdb, { kind: "garbles", change: (bytes) => bytes.subarray(0, 40) }),
    says: /WARN: .*fault=.*10\.77\.1\.1:443/,
  },
  {
    title: "a directive is not understood",
    troubles: some("tlsRead", permanentMdb, {
      kind: "garbles",
      change: (bytes) => Buffer.from(Buffer.from(bytes).toString("latin1").replace('"kind"', '"kinf"'), "latin1"),
    }),
    says: /WARN: .*fault=.*kind/,
  },
  {
    title: "a directory cannot be read in the scan",
    troubles: some("readdir", /^\/etc/, fails("EIO")),
    says: /ERROR: .*=report.*Input\/output error/,
  },
  {
    title: "the object server restarts",
    troubles: some("tcpConnect", objectServer, fails("ECONNREFUSED")),
    says: /WARN: fetching was interrupted.*Connection refused/,
  },
  {
    title: "the object server is gone for minutes",
    troubles: some("tcpConnect", objectServer, fails("ECONNREFUSED"), { times: 40 }),
    says: /ERROR: .*=fetch.*Connection refused/,
  },
  {
    title: "the contents end in the middle",
    troubles: some("read", objectServer, fails("ECONNRESET")),
    says: /WARN: fetching was interrupted.*Connection reset by peer/,
  },
  {
    title: "the contents are forged",
    troubles: some("read", objectServer, {
      kind: "garbles",
      change: (bytes) => Buffer.from(Buffer.from(bytes).toString("latin1").replace("crypt", "trojn"), "latin1"),
    }),
    says: /ERROR: .*=fetch .*[0-9a-f]{16}/,
  },
  {
    title: "the disk is full while contents are stored",
    troubles: some("write", /^\/\.birther-agent\/objects/, fails("ENOSPC")),
    says: /ERROR: .*=fetch.*No space left on device/,
  },
  {
    title: "the update cannot begin",
    troubles: some("write", /^\/var\/lib\/birther\/kernel-changed-in$/, fails("EROFS")),
    says: /ERROR: .*=update.*Read-only file system/,
  },
  {
    title: "a file cannot be put in its place",
    troubles: some("rename", /^\/usr\/bin\/tool/, fails("EIO")),
    says: /ERROR: .*=update.*Input\/output error/,
  },
  {
    title: "an owner cannot be set",
    troubles: some("chown", /./, fails("EIO")),
    says: /ERROR: .*=update.*chown .*Input\/output error/,
  },
  {
    title: "the boot partition is full",
    troubles: some("write", /^\/var\/lib\/birther\/boot\/kernels\/.*birther-unlock/, fails("ENOSPC")),
    says: /ERROR: .*=update.*birther-unlock.*No space left on device/,
  },
  {
    title: "the boot loader's configuration cannot be replaced",
    troubles: some("rename", /^\/var\/lib\/birther\/boot\/grub\/grub\.cfg$/, fails("EIO")),
    says: /ERROR: .*=update.*grub\.cfg.*Input\/output error/,
  },
  {
    title: "the end of the update cannot be noted",
    troubles: some("fsync", /patched-image/, fails("EIO")),
    says: /ERROR: .*=update.*Input\/output error/,
  },
  {
    title: "the boot partition cannot be brought to rest",
    troubles: some("mount", /^\/var\/lib\/birther\/boot$/, fails("EBUSY")),
    says: /WARN: .*mount .* on \/var\/lib\/birther\/boot/,
  },
  {
    title: "the boot partition is busy at the restart",
    troubles: some("unmount", /^\/var\/lib\/birther\/boot/, fails("EBUSY")),
    says: /Device or resource busy/,
  },
];

for (const row of rows)
  test(`agent: ${row.title}`, (t) => {
    const site = openSite();
    t.after(site.close);
    const machine = rackMachine(site);
    const first = machine.boot({ troubles: row.troubles, minutes: 30 });
    const shown = first.kernel.screen.join("\n");
    assert.ok(first.kernel.cpu.struck() > 0, "the trouble never came");
    assert.match(shown, row.says);
    // The fault ends while the agent retries: it restarts into the image without help.
    assert.deepEqual(first.end, { kind: "restarted", how: "restart" }, shown);
    const { isUp, why } = comeUp(machine);
    assert.ok(isUp, why);
    assert.deepEqual(site.machine(mac).conditions, []);
  });

test("agent: a disk that hangs during the update causes a reset, and the next boot names what it finds", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  const { end } = machine.boot({ troubles: some("rename", /^\/usr\/bin\/tool/, { kind: "hangs" }) });
  assert.deepEqual(end, { kind: "reset", by: "watchdog" });
});

test("agent: a disk that takes five minutes to write all that waits for it: the machine is not reset", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  const slowly = { call: "sync", times: 5, trouble: { kind: "runsFor", milliseconds: 300_000 } } as const;
  const { end, kernel } = machine.boot({ troubles: [slowly], minutes: 60 });
  assert.ok(kernel.cpu.struck() > 4, "the syncs of the update were never slow");
  assert.deepEqual(end, { kind: "restarted", how: "restart" });
});

test("agent: a disk that never ends writing causes a reset", (t) => {
  const site = openSite();
  t.after(site.close);
  const never = { kind: "runsFor", milliseconds: Number.POSITIVE_INFINITY } as const;
  const { end } = rackMachine(site).boot({ troubles: [{ call: "sync", trouble: never }], minutes: 120 });
  assert.deepEqual(end, { kind: "reset", by: "watchdog" });
});

test("agent: what it logged before polls failed reaches the MDB with the first poll that succeeds", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  machine.boot({ troubles: some("tcpConnect", permanentMdb, fails("ECONNREFUSED")), minutes: 30 });
  const notified = site.log(mac).join("\n");
  assert.match(notified, /birther-agent started/, "the first failed poll had this line");
  assert.match(notified, /polling the MDB failed.*Connection refused/);
});
