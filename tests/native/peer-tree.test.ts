/** birther-peer serves the files of a system: what belongs to the image, and nothing else, whatever users do meanwhile. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, open, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import {
  ask,
  newKey,
  type PeerServer,
  requestFor,
  restFor,
  send,
  sha512Of,
  startPeerServer,
  until,
} from "./peer-server.ts";

const execute = promisify(execFile);

/** The system: text by path, as the image has it. */
const files: { readonly [path: string]: Buffer } = {
  "/etc/plain": Buffer.from("a file of root's\n"),
  "/etc/private": Buffer.from("a file that only root reads\n"),
  "/usr/lib/large": randomBytes(3_000_000),
  "/usr/lib/sent": randomBytes(64_000_000),
  "/usr/lib/same size": Buffer.from("a path with a space\n"),
  "/usr/share/first": Buffer.from("two files have this\n"),
  "/usr/share/second": Buffer.from("two files have this\n"),
  "/etc/written": Buffer.from("written in place\n"),
  "/etc/replaced": Buffer.from("replaced by a link to a secret\n"),
  "/home/users": Buffer.from("a file of a user's\n"),
  "/etc/open": Buffer.from("a group may write to this\n"),
  "/etc/fifo": Buffer.from("a FIFO by now\n"),
  "/etc/device": Buffer.from("a device by now\n"),
  "/swapped/file": Buffer.from("in a directory that became a link\n"),
  "/gone": Buffer.from("gone\n"),
  "/swapping/file": Buffer.from("a file that is swapped all the time\n"),
};
const secret = Buffer.from("written in place\n".replace("place", "SECRE"));

let root: string;
let server: PeerServer;
const key = newKey();
const hashOf = (path: string) => sha512Of(files[path] ?? assert.fail(path));

function tableOf(contents: { readonly [path: string]: Buffer }): string {
  const lines = Object.entries(contents).map(([path, content]) => `${sha512Of(content)} ${content.length} ${path}\n`);
  return lines.sort().join("");
}
/** The answer's text behind its head. */
async function answerTo(...hashes: readonly string[]): Promise<Buffer> {
  const { status, body } = await ask(server.port, requestFor(key, hashes));
  assert.equal(status, 200);
  return body;
}
async function isServed(path: string): Promise<boolean> {
  const body = await answerTo(hashOf(path));
  const content = files[path] ?? assert.fail(path);
  if (body.equals(Buffer.concat([Buffer.from(`${hashOf(path)} ${content.length}\n`), content]))) return true;
  assert.match(body.toString(), new RegExp(`^(${hashOf(path)} \\?\\n)*${hashOf(path)} !\\n$`));
  return false;
}

before(async () => {
  assert.equal(process.getuid?.(), 0, "these tests run as root");
  root = await mkdtemp(join(tmpdir(), "birther-root-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content, { mode: 0o644 });
  }
  await chmod(join(root, "/etc/private"), 0o600);
  server = await startPeerServer({ root, table: tableOf(files) });
  server.set(key);
  await until(
    "the key is known",
    async () => (await ask(server.port, requestFor(key, [hashOf("/etc/plain")]))).status === 200,
  );
});
after(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

test("serves the image's contents out of root's files, several in one answer, and from the store", async () => {
  for (const path of ["/etc/plain", "/etc/private", "/usr/lib/large", "/usr/lib/same size"])
    assert.ok(await isServed(path), path);
  const stored = await server.store(Buffer.from("a content of the store\n"));
  const paths = ["/etc/plain", "/usr/lib/large"];
  const body = await answerTo(...paths.map(hashOf), stored);
  assert.equal(body.length, 3 * 129 + "17".length + "3000000".length + "23".length + 3 + 17 + 3_000_000 + 23);
});

test("sends the rest of a file", async () => {
  const large = files["/usr/lib/large"] ?? assert.fail();
  const { body } = await ask(server.port, restFor(key, [hashOf("/usr/lib/large")], "2999990"));
  assert.ok(body.equals(Buffer.concat([Buffer.from(`${sha512Of(large)} 3000000 2999990\n`), large.subarray(-10)])));
});

test("a content that two files have is served as long as one of them has it", async () => {
  await writeFile(join(root, "/usr/share/first"), "changed by an operator\n");
  assert.ok(await isServed("/usr/share/second"));
  await rm(join(root, "/usr/share/second"));
  assert.equal(await isServed("/usr/share/second"), false);
});

describe("what a user may change", () => {
  test("a file of a user's and one that others may write to are not served", async () => {
    await chown(join(root, "/home/users"), 1000, 1000);
    await chmod(join(root, "/etc/open"), 0o664);
    assert.equal(await isServed("/home/users"), false);
    assert.equal(await isServed("/etc/open"), false);
  });

  test("another file, a link, a FIFO, a device, a linked directory, and nothing are not served", async () => {
    const elsewhere = join(root, "secret");
    await writeFile(elsewhere, files["/etc/replaced"] ?? "");
    await rm(join(root, "/etc/replaced"));
    await symlink("/secret", join(root, "/etc/replaced"));
    await rm(join(root, "/etc/fifo"));
    await execute("mkfifo", [join(root, "/etc/fifo")]);
    await rm(join(root, "/etc/device"));
    await execute("mknod", [join(root, "/etc/device"), "c", "1", "5"]);
    await rename(join(root, "/swapped"), join(root, "/elsewhere"));
    await symlink("elsewhere", join(root, "/swapped"));
    await rm(join(root, "/gone"));
    for (const path of ["/etc/replaced", "/etc/fifo", "/etc/device", "/swapped/file", "/gone"])
      assert.equal(await isServed(path), false, path);
  });

  test("a file that is not in the table is not served, although its content is known", async () => {
    const content = Buffer.from("a user's secret, whose hash somebody guesses\n");
    await writeFile(join(root, "/etc/guessed"), content);
    assert.match((await answerTo(sha512Of(content))).toString(), / !\n$/);
  });
});

test("a tenant who swaps a file all the time gets neither another content nor a machine that is blamed", async () => {
  const path = "/swapping/file";
  const content = files[path] ?? assert.fail();
  await chmod(join(root, "/swapping"), 0o777);
  await writeFile(join(root, "/swapping/image's"), content);
  // Of the same size, and root's, as a set-user-id program could have written it.
  await writeFile(join(root, "/swapping/other"), Buffer.alloc(content.length, "S"));
  // Bash obeys between two commands, so no `ln` of its is left that swaps once more.
  const swaps = `trap exit TERM; cd "$1" && while :; do ln -f other file; ln -f "image's" file; ln -sfn other file; ln -f "image's" file; done`;
  const tenant = spawn("bash", ["-c", swaps, "swaps", join(root, "/swapping")], { stdio: "ignore" });
  const ended = once(tenant, "exit");
  let served = 0;
  try {
    for (let i = 0; i < 300; i += 1) if (await isServed(path)) served += 1;
  } finally {
    tenant.kill("SIGTERM");
    await ended;
  }
  await execute("ln", ["-f", join(root, "/swapping/image's"), join(root, path)]);
  assert.ok(await isServed(path), `after ${served} times`);
});

test("a file that is changed in place after it was served is not served any more, also with its former time and size", async () => {
  const path = join(root, "/etc/written");
  const time = new Date(1_700_000_000_000);
  await utimes(path, time, time);
  // Older than the program's patience with changes that a clock's tick would hide.
  await new Promise((resolve) => setTimeout(resolve, 3200));
  assert.ok(await isServed("/etc/written"));
  assert.ok(await isServed("/etc/written"));
  await writeFile(path, secret);
  await utimes(path, time, time);
  assert.equal((await readFile(path)).length, files["/etc/written"]?.length);
  assert.equal(await isServed("/etc/written"), false);
  assert.equal(await isServed("/etc/written"), false);
  await writeFile(path, files["/etc/written"] ?? "");
  assert.ok(await isServed("/etc/written"));
});

test("who writes to a file while it is sent waits for nobody, and nobody gets what is written", async () => {
  const content = files["/usr/lib/sent"] ?? assert.fail();
  const socket = send(server.port, requestFor(key, [hashOf("/usr/lib/sent")]));
  const pieces: Buffer[] = [];
  await new Promise<void>((resolve) => socket.once("readable", () => resolve()));
  const file = await open(join(root, "/usr/lib/sent"), "r+");
  await file.write(Buffer.alloc(content.length, "S"));
  await file.close();
  for await (const piece of socket) pieces.push(piece as Buffer);
  const all = Buffer.concat(pieces);
  const begin = all.indexOf("\n", all.indexOf("\r\n\r\n") + 4) + 1;
  const sent = all.subarray(begin);
  assert.ok(sent.length < content.length, "the transfer ended");
  assert.ok(sent.equals(content.subarray(0, sent.length)), "nothing but the image's content");
  assert.equal(await isServed("/usr/lib/sent"), false);
});

test("the process that opens files has no rights and sees only the root's file system, read-only", async () => {
  const { pid } = server.child;
  const [opener = ""] = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ");
  const status = await readFile(`/proc/${opener}/status`, "utf8");
  const line = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1];
  assert.equal(line("Uid"), "65532\t65532\t65532\t0");
  assert.equal(line("Groups")?.trim(), "");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) assert.equal(line(set), "0000000000000000");
  assert.equal(line("NoNewPrivs"), "1");
  const mounts = (await readFile(`/proc/${opener}/mountinfo`, "utf8")).trim().split("\n");
  assert.equal(mounts.length, 1, mounts.join("\n"));
  assert.match(mounts[0] ?? "", / \/ ro,nosuid,nodev,noexec/);
  for (const process of [pid, opener]) {
    const stat = (await readFile(`/proc/${process}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
    assert.equal(stat[16], "19", "nice");
  }
});

test("a table that is none is refused", async () => {
  const hash = "a".repeat(128);
  const tables = [
    "",
    "nonsense\n",
    `${hash} 0 /x\n`,
    `${hash} 5 x\n`,
    `${hash} 5 /x`,
    `${"b".repeat(128)} 5 /x\n${hash} 5 /x\n`,
  ];
  for (const table of tables)
    await assert.rejects(startPeerServer({ root, table }), /start the process that opens files/, JSON.stringify(table));
});
