import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runCommand } from "../../src/bootstrap-image/command.ts";
import { fetchNativeSources, hostFlags, hostSources } from "../../src/bootstrap-image/program/native.ts";
import { cacheDirectory } from "../../src/main/paths.ts";
import { runNative, runProgram } from "./native-program.ts";

let directory: string;
// biome-ignore lint/suspicious/noExplicitAny: whatever programs/system.js printed
let said: any;
/** What arrived by UDP. */
const datagrams: string[] = [];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "birther-native-"));
  const socket = createSocket("udp4").on("message", (bytes) => datagrams.push(String(bytes)));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  said = await runProgram(directory, "system", [directory, "second argument", String(socket.address().port)]);
  for (let turns = 0; turns < 100 && datagrams.length < 2; turns += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  socket.close();
});
after(() => rm(directory, { recursive: true }));

test("files are written, listed, read, copied, linked and removed", () => {
  assert.deepEqual(said.list, ["copy", "copy2", "fifo", "hard", "large", "link", "text"]);
  assert.equal(said.text, "grüße 🐣\n");
  assert.equal(said.viaLink, "grüße 🐣\n");
  assert.ok(said.absent && said.procFile && said.removed);
  assert.equal(said.large, 300_001);
  assert.equal(said.copyMode, "600");
  assert.equal(said.roomMode, "700");
  assert.equal(said.mtime, 1_234_567_890_500);
  assert.equal(said.links, 2);
  assert.deepEqual(said.changes, [0, 0, 0]);
});

test("datagrams are sent one by one, also after nobody listened to one", () => {
  assert.deepEqual(datagrams, ["one", "two"]);
  assert.deepEqual(said.udp, ["no error", "packetSend: Connection refused", "no error"]);
  assert.equal(said.errors.udp, "udpConnect not an address: Invalid argument");
});

test("an interface without private flags, or a missing interface, does not have the requested flag", () => {
  assert.deepEqual(said.noPrivateFlag, [false, false]);
});

test("commands to a disk's firmware name what is no disk, and what is no command", () => {
  assert.deepEqual(said.noDevice, [
    "nvmeAdmin /a/b/text: Inappropriate ioctl for device",
    "nvmeAdmin: expected a command of 32 bytes, found 31",
    "scsiCommand /a/b/text: Inappropriate ioctl for device",
    "scsiCommand: expected 1 to 32 bytes, found 33",
    "scsiCommand /a/b/nothing: No such file or directory",
  ]);
});

test("programs are run with input, environment, time limit and both outputs", () => {
  assert.deepEqual(said.echo, { status: 3, output: "in\nerr\nvalue\n" });
  assert.deepEqual(said.devNull, { status: 0, output: "" });
  assert.equal(said.notThere, 127);
  assert.equal(said.killed, 128 + 9);
  assert.equal(said.bytesInput, "00 01 ff");
  assert.equal(said.noisy, 1_000_000);
  assert.equal(said.failing, "run sh -c echo because; exit 7: status 7: because");
  assert.equal(said.tooLong, "run sleep 30: expected it to end within 0.2 s, killed it");
});

test("hashes are SHA-256 and SHA-512, and random bytes differ", () => {
  assert.equal(said.sha256, createHash("sha256").update("abc").digest("hex"));
  const large = Buffer.alloc(300_001, 7);
  assert.equal(said.sha256File, createHash("sha256").update(large).digest("hex"));
  const two = Buffer.concat([large, Buffer.alloc(3), large]);
  assert.equal(said.sha256TwoFiles, createHash("sha256").update(two).digest("hex"));
  assert.equal(said.sha512, createHash("sha512").update("abc").digest("hex"));
  assert.equal(said.sha512File, createHash("sha512").update(Buffer.alloc(300_001, 7)).digest("hex"));
  assert.equal(said.random[0].split(",").length, 32);
  assert.notEqual(said.random[0], said.random[1]);
  assert.match(said.randomTooMany, /0 to 256, found 257/);
  assert.deepEqual(said.found, [[0, 100_000, 200_000], [6]], "the last byte is no whole match");
  assert.match(said.foundTooLong, /1 to 16 bytes, found 17/);
});

test("the burn-in tests measure and agree", () => {
  assert.equal(said.cpu.agreed, true);
  // Each CPU makes one chain of hashes or more, however little of its time it gets.
  const hashes = said.cpu.hashesPerSecond * said.cpu.seconds;
  assert.ok(hashes >= 256 * availableParallelism(), `${hashes} hashes`);
  assert.deepEqual([said.memory.wrongWords, said.memory.firstWrong, said.memory.testedMebibytes], [0, [], 32]);
  // In three rounds, two patterns are written and read.
  const mebibytes = said.memory.mebibytesPerSecond * said.memory.seconds;
  assert.ok(mebibytes >= 3 * 2 * 2 * 32, `${mebibytes} MiB`);
});

test("errors name the call, its object and the reason", () => {
  assert.match(said.errors.read, /^read .*\/nothing: No such file or directory$/);
  assert.match(said.errors.readBytes, /^read .*\/nothing: No such file or directory$/);
  assert.match(said.errors.readDirectory, /^read .*\/b: /);
  assert.match(said.errors.list, /^list .*\/nothing: No such file or directory$/);
  assert.match(said.errors.write, /^write .*\/nothing\/x: No such file or directory$/);
  assert.match(said.errors.mount, /^mount none on .*\/nothing as tmpfs: /);
  assert.match(said.errors.hardwareClock, /^setHardwareClock \/dev\/null: Inappropriate ioctl for device$/);
  assert.match(said.errors.loadModule, /^loadModule .*nothing\.ko: No such file or directory$/);
  assert.equal(said.errors.connect, "tcpConnect 127.0.0.1 port 1: Connection refused");
  assert.equal(said.errors.address, "tcpConnect not an address: Invalid argument");
  assert.match(said.errors.packet, /^packetOpen nosuchif0: /);
  assert.equal(said.errors.range, "expected a range inside a buffer of 4 bytes, found 3 bytes at offset 2");
  assert.match(said.errors.noWords, /expected 1 to 256 arguments, found 0/);
  assert.equal(said.errors.tlsRead, "tlsRead: the session is closed");
});

test("an uncaught exception prints its stack and ends with status 1; a missing script or argument is reported", async () => {
  const script = join(directory, "throws.js");
  await writeFile(script, 'function inner() { throw new Error("the reason"); }\ninner();\n');
  const thrown = await runNative(script, []);
  assert.equal(thrown.status, 1);
  assert.match(thrown.stderr, /Error: the reason\n\s+at inner \(.*throws\.js:1:\d+\)/);
  const missing = await runNative(join(directory, "missing.js"), []);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /cannot read .*missing\.js: No such file or directory/);
});

test("our own C compiles without a warning", async () => {
  const flags = hostFlags(await fetchNativeSources({ cacheDirectory, log: () => undefined }));
  for (const name of (await readdir(hostSources)).filter((each) => each.endsWith(".c"))) {
    await runCommand(["gcc", ...flags, "-Werror", "-c", join(hostSources, name), "-o", "/dev/null"]);
  }
});
