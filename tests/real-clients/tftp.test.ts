import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { insideNamespace } from "../support/inside-namespace.ts";
import { loader, type Site, startSite, until } from "./site.ts";

async function withClient(work: (site: Site, file: string) => Promise<void>): Promise<void> {
  await using site = await startSite();
  const directory = mkdtempSync(join(tmpdir(), "birther-tftp-"));
  try {
    await site.wire.run(["ip", "address", "add", "10.77.0.60/24", "dev", site.wire.clientInterface]);
    await site.wire.run(["ip", "address", "add", "10.77.1.60/24", "dev", site.wire.clientInterface]);
    await work(site, join(directory, "got"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Asserts that the client has the served file. */
function assertWhole(file: string): void {
  assert.ok(readFileSync(file).equals(loader));
}

/** The commands by which real clients fetch a file into another. */
const clients: readonly (readonly [string, (file: string) => readonly string[]])[] = [
  ["curl", (file) => ["curl", "-sS", "-m", "100", "-o", file, "tftp://10.77.0.1/undionly.kpxe"]],
  [
    "curl, blocks of 1428",
    (file) => ["curl", "-sS", "-m", "100", "--tftp-blksize", "1428", "-o", file, "tftp://10.77.1.1//undionly.kpxe"],
  ],
  [
    "curl without options",
    (file) => ["curl", "-sS", "-m", "100", "--tftp-no-options", "-o", file, "tftp://10.77.0.1/UNDIONLY.kpxe"],
  ],
  ["tftp-hpa, octet", (file) => ["tftp", "-m", "binary", "10.77.0.1", "-c", "get", "snponly.efi", file]],
  ["tftp-hpa, netascii", (file) => ["tftp", "-m", "ascii", "10.77.0.1", "-c", "get", "snponly.efi", file]],
  ["atftp", (file) => ["atftp", "-g", "-r", "snponly.efi", "-l", file, "10.77.0.1"]],
  [
    "atftp, blocks, size and time-out",
    (file) => [
      "atftp",
      "--option",
      "blksize 1024",
      "--option",
      "tsize 0",
      "--option",
      "timeout 2",
      "-g",
      "-r",
      "/tftpboot/snponly.efi",
      "-l",
      file,
      "10.77.0.1",
    ],
  ],
  [
    "curl, by the name that shim makes of a boot option's description,",
    (file) => ["curl", "-sS", "-m", "100", "-o", file, "tftp://10.77.0.1/%EAOnboard"],
  ],
  [
    "atftp, windows of 8",
    (file) => ["atftp", "--option", "windowsize 8", "-g", "-r", "snponly.efi", "-l", file, "10.77.0.1"],
  ],
];

await insideNamespace(import.meta.url, () => {
  for (const [title, argv] of clients)
    test(`${title} fetches the loader`, () =>
      withClient(async (site, file) => {
        const { output } = await site.wire.run(argv(file));
        await until(site, "the transfer's end", () => site.lines.some((line) => line.includes("TFTP transfer sent")));
        assertWhole(file);
        const { transfers, bytes } = site.traffic().tftp;
        // netascii makes it longer.
        assert.ok(transfers.sent === 1 && bytes >= loader.length, JSON.stringify({ transfers, bytes }));
        assert.equal(output.includes("rror"), false, output);
      }));

  // curl's exit status is the error code that it received: 68 file not found, 69 access violation.
  const refusals: readonly (readonly [string, readonly string[], number])[] = [
    ["a file we have not", ["tftp://10.77.0.1/autoexec.ipxe"], 68],
    ["a path with ..", ["--path-as-is", "tftp://10.77.0.1/../../etc/passwd"], 69],
    ["writing", ["-T", "/etc/hostname", "tftp://10.77.0.1/new"], 69],
  ];
  for (const [title, argv, expected] of refusals)
    test(`refused: ${title}`, () =>
      withClient(async (site) => {
        const { status, output } = await site.wire.run(["curl", "-sS", "-m", "100", ...argv]);
        assert.equal(status, expected, output);
        assert.deepEqual(site.traffic().tftp.transfers, { refused: 1 });
      }));

  test("a packet from a foreign port gets ERROR 5, and the transfer continues", () =>
    withClient(async (site, file) => {
      const { status, output } = await site.wire.run([process.execPath, foreignClient(file), "10.77.0.1"]);
      assert.equal(status, 0, output);
      assert.deepEqual(JSON.parse(output), { toForeign: 5, blocks: 191, bytes: loader.length });
    }));
});

/** A client of our own; a stranger sends an ACK into its transfer. */
function foreignClient(near: string): string {
  const file = `${near}.mjs`;
  writeFileSync(
    file,
    `import { createSocket } from "node:dgram";
const [client, stranger] = [createSocket("udp4"), createSocket("udp4")];
const facts = { toForeign: -1, blocks: 0, bytes: 0 };
stranger.on("message", (bytes) => { facts.toForeign = bytes.readUInt16BE(2); next(); });
let next = () => {};
client.on("message", (bytes, from) => {
  const block = bytes.readUInt16BE(2);
  // A server that waits too long for a busy client sends a block again.
  if (block > facts.blocks) {
    facts.blocks += 1;
    facts.bytes += bytes.length - 4;
  }
  next = () => {
    client.send(Uint8Array.of(0, 4, block >> 8, block & 255), from.port, from.address);
    if (bytes.length < 516) setTimeout(() => { console.log(JSON.stringify(facts)); process.exit(0); }, 50);
  };
  if (block === 1) stranger.send(Uint8Array.of(0, 4, 0, 1), from.port, from.address);
  else next();
});
client.send(Buffer.from("\\0\\x01snponly.efi\\0octet\\0", "latin1"), 69, process.argv[2]);
setTimeout(() => process.exit(3), 100_000);
`,
  );
  return file;
}
