import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import type { MachineEvent } from "../../src/core/machine/event.ts";
import type { MachineId } from "../../src/core/machine/record.ts";
import { readManifest } from "../../src/dominator/storage/manifest-file.ts";
import { type Sketch, type SubFixture, startSubFixture } from "./sub-fixture.ts";

const id = "m-525400b10001" as MachineId;
const secret = "the key of the database\n";
const sketch: Sketch = {
  "boot/vmlinuz-6": "kernel",
  "boot/initrd.img-6": "initrd",
  "etc/key": { mode: 0o600, text: secret },
};

type Answer = { readonly status: number; readonly text: string };

/** Sends a request over TLS, with a credential or without. */
function ask(
  { urls, authority }: SubFixture,
  asked: { readonly path: string; readonly token?: string; readonly body?: string },
): Promise<Answer> {
  const { path, token, body } = asked;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const method = body === undefined ? "GET" : "POST";
  return new Promise((resolve, reject) => {
    request(`${urls.tls}${path}`, { method, headers, ca: authority.pem, servername: "birther" }, (response) => {
      let text = "";
      response.setEncoding("latin1").on("data", (piece: string) => {
        text += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    })
      .on("error", reject)
      .end(body);
  });
}

function contentsOf({ images }: SubFixture, name: string): readonly string[] {
  const { inodes } = readManifest(images.pathOf(name), name).manifest.tree;
  return inodes.flatMap((inode) => (inode.kind === "regular" && inode.size > 0 ? [inode.sha512] : []));
}

test("an agent gets a confidential image, and goes back to a public one", async () => {
  await using fixture = await startSubFixture();
  const open = await fixture.importSketch({ ...sketch, "etc/key": "public\n" }, ["/etc/birther(|/.*)$"]);
  const image = await fixture.importConfidential("compute", sketch);
  for (const [name, text] of [
    [image.name, secret],
    [open, "public\n"],
    [image.name, secret],
  ] as const) {
    await fixture.requireImage(name);
    const { status, stdout, stderr } = await fixture.runAgent();
    assert.equal(status, 0, stdout + stderr);
    assert.equal(readFileSync(join(fixture.root, "etc/key"), "utf8"), text, stdout);
  }
});

test("nobody without a credential gets anything of it", async () => {
  await using fixture = await startSubFixture();
  const image = await fixture.importConfidential("compute", sketch);
  await fixture.requireImage(image.name);
  const contents = contentsOf(fixture, image.name);
  assert.equal(contents.length, 3);
  const { http } = fixture.urls;
  const open = [
    await fetch(`${http}/manifests/${image.manifest.sha512}`),
    await fetch(`${http}/objects`, { method: "POST", body: contents.join("\n") }),
    ...(await Promise.all(contents.map((sha512) => fetch(`${http}/objects/${sha512}`)))),
  ];
  for (const response of open) {
    assert.equal(response.status, 404, response.url);
    assert.doesNotMatch(await response.text(), /key of the database/);
  }
  const paths = [{ path: `/manifests/${image.manifest.sha512}` }, { path: "/objects", body: contents.join("\n") }];
  for (const asked of paths) {
    for (const token of [undefined, "", `${id}.${"00".repeat(32)}`, `m-525400b10002.${"5e".repeat(32)}`]) {
      const answer = await ask(fixture, { ...asked, ...(token === undefined ? {} : { token }) });
      assert.equal(answer.status, 401, `${asked.path} with ${token}`);
    }
    assert.equal((await ask(fixture, { ...asked, token: fixture.token })).status, 200);
  }
});

test("a machine of another stream gets nothing of it", async () => {
  await using fixture = await startSubFixture();
  const image = await fixture.importConfidential("vault", sketch);
  await fixture.importSketch({ "boot/vmlinuz-6": "kernel" }, []);
  const { token } = fixture;
  const [first = ""] = contentsOf(fixture, image.name).slice(-1);
  const manifest = await ask(fixture, { path: `/manifests/${image.manifest.sha512}`, token });
  assert.equal(manifest.status, 404);
  const object = await ask(fixture, { path: "/objects", token, body: first });
  assert.equal(object.status, 404);
});

const endings: readonly (readonly [title: string, event: MachineEvent])[] = [
  ["is on hold", { kind: "conditionSet", id, condition: "hold", reason: "suspected" }],
  ["is to be born again", { kind: "rebirthAsked", id, by: "test" }],
];
for (const [title, event] of endings)
  test(`the right ends when the machine ${title}`, async () => {
    await using fixture = await startSubFixture();
    const { store, token } = fixture;
    const image = await fixture.importConfidential("compute", sketch);
    await fixture.requireImage(image.name);
    const path = `/manifests/${image.manifest.sha512}`;
    assert.equal((await ask(fixture, { path, token })).status, 200);
    await store.apply(event);
    assert.equal((await ask(fixture, { path, token })).status, 403);
  });
