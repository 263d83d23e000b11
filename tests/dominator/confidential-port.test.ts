import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { issue, makeAuthority } from "../native/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { originEngines } from "../support/origin-engines.ts";
import { confidentialOrigin } from "./fixture-origin.ts";
import { listening } from "./pack-server.ts";
import { type SubFixture, startSubFixture } from "./sub-fixture.ts";

/** Contents that are worth a stream, and a small one. */
const sketch = {
  "boot/vmlinuz-6": "kernel",
  "boot/initrd.img-6": "initrd",
  "usr/bin/one": "one ".repeat(600_000),
  "usr/bin/two": "two ".repeat(600_000),
  "etc/key": { mode: 0o600, text: "the key of the database\n" },
};

function isInPlace({ root }: SubFixture): void {
  for (const [path, what] of Object.entries(sketch))
    assert.equal(readFileSync(join(root, path), "utf8"), typeof what === "string" ? what : what.text, path);
}

async function requireSketch(sub: SubFixture): Promise<void> {
  await sub.requireImage((await sub.importConfidential("compute", sketch)).name);
}

/** What the agent asked for in vain elsewhere: names of contents in the clear, or contents at the port for machines. */
function askedElsewhere({ asked }: SubFixture): readonly string[] {
  return asked.filter((line) => line.startsWith("http") || /(objects|packs|manifests)/.test(line));
}

for (const { servedBy, nginx } of originEngines)
  test(`an agent takes a confidential image from its port alone, served by ${servedBy}`, async () => {
    await using sub = await startSubFixture();
    await using origin = await confidentialOrigin(sub, nginx());
    sub.confidentialServer.is = { port: origin.port, hasPacks: true };
    await requireSketch(sub);
    const { status, stdout } = await sub.runAgent();
    isInPlace(sub);
    assert.equal(status, 0, stdout);
    assert.doesNotMatch(stdout, /failed|interrupted/);
    assert.deepEqual(askedElsewhere(sub), []);
    // An update, whose comparison needs the manifest.
    await sub.requireImage((await sub.importConfidential("compute", { ...sketch, "etc/new": "new\n" })).name);
    await sub.runAgent();
    assert.equal(readFileSync(join(sub.root, "etc/new"), "utf8"), "new\n");
    assert.deepEqual(askedElsewhere(sub), []);
    // A public image again comes in the clear.
    await sub.importSketch({ ...sketch, "etc/key": "public\n" }, []);
    await sub.runAgent();
    assert.equal(readFileSync(join(sub.root, "etc/key"), "utf8"), "public\n");
    assert.ok(askedElsewhere(sub).some((line) => line.startsWith("http")));
  });

test("an agent goes on at the port for machines if nothing answers at the other", async () => {
  await using sub = await startSubFixture();
  sub.confidentialServer.is = { port: await freePort(), hasPacks: true };
  await requireSketch(sub);
  const { status, stdout } = await sub.runAgent();
  isInPlace(sub);
  assert.equal(status, 0, stdout);
  assert.ok(askedElsewhere(sub).every((line) => line.startsWith("tls")));
  assert.ok(askedElsewhere(sub).includes("tls /objects"));
});

test("a server that has no such port open names that for machines, and nothing is asked in the clear", async () => {
  await using sub = await startSubFixture();
  sub.confidentialServer.is = { port: Number(new URL(sub.urls.tls).port), hasPacks: false };
  await requireSketch(sub);
  await sub.runAgent();
  isInPlace(sub);
  assert.ok(askedElsewhere(sub).every((line) => line.startsWith("tls")));
});

test("a stranger at that port, without a certificate of the site, gets no credential", async () => {
  await using sub = await startSubFixture();

  const heard: string[] = [];
  const stranger = createServer(await issue(await makeAuthority("another CA"), "birther"), (request, response) => {
    heard.push(request.headers.authorization ?? "");
    response.writeHead(404).end();
  });
  await using server = await listening(stranger);
  sub.confidentialServer.is = { port: server.port, hasPacks: true };
  await requireSketch(sub);
  await sub.runAgent();
  isInPlace(sub);
  assert.deepEqual(heard, []);
});

test("a stream that breaks in the middle of a confidential content goes on there", async () => {
  await using sub = await startSubFixture();
  const asked: string[] = [];
  const breaking = createServer(await issue(sub.authority, "birther"), (request, response) => {
    const { content, from, to } = partOf(sub, request);
    if (request.headers.range === undefined) return void response.end(content);
    asked.push(request.headers.range);
    const isFirst = asked.length === 1;
    response.writeHead(206, {
      "content-range": `bytes ${from}-${to}/${content.length}`,
      "content-length": to + 1 - from,
    });
    if (!isFirst) response.end(content.subarray(from, to + 1));
    else response.write(content.subarray(from, from + 1_000_000), () => setTimeout(() => response.destroy(), 200));
  });
  await using server = await listening(breaking);
  sub.confidentialServer.is = { port: server.port, hasPacks: true };
  await requireSketch(sub);
  await sub.runAgent();
  isInPlace(sub);
  const starts = asked.map((range) => Number(/bytes=(\d+)-/.exec(range)?.[1]));
  const [first = 0] = starts;
  assert.ok(starts.includes(first + 1_000_000), `${asked}`);
});

/** The part of a pack, an object or a manifest that a request is for. */
function partOf({ directories, images }: SubFixture, { url = "", headers }: IncomingMessage) {
  const [, kind = "", name = ""] = url.split("/");
  const [, from = "0", to = ""] = /bytes=(\d+)-(\d*)/.exec(headers.range ?? "") ?? [];
  const texts = [sketch["usr/bin/one"], sketch["usr/bin/two"]].map((text) => Buffer.from(text));
  const content =
    kind === "objects"
      ? texts.find((text) => hash("sha512", text) === name)
      : readFileSync(
          kind === "packs"
            ? join(directories.confidential, "compute/packs", name)
            : (images.findManifest(name)?.path ?? assert.fail(url)),
        );
  if (content === undefined) assert.fail(url);
  return { content, from: Number(from), to: to === "" ? content.length - 1 : Number(to) };
}
