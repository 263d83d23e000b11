import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { copyPaths } from "../../src/contract/copies.ts";
import { heldImageDocument, heldImagesOf } from "../../src/core/image/copies/held-image.ts";
import type { ImageSummary } from "../../src/core/image/manifest.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Log } from "../../src/core/ports.ts";
import { openCopies } from "../../src/dominator/copies/copies.ts";
import { copyApp } from "../../src/dominator/copies/copy-app.ts";
import { type CopyJob, copyImage } from "../../src/dominator/copies/copy-image.ts";
import { importImages } from "../../src/dominator/import/image.ts";
import { collect } from "../../src/dominator/storage/collect/collect.ts";
import { confidentialStores } from "../../src/dominator/storage/confidential-stores.ts";
import { openCatalogue } from "../../src/dominator/storage/image-catalogue.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { readManifest } from "../../src/dominator/storage/manifest-file.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { sha512Of } from "../../src/dominator/storage/sha512.ts";
import { drawWholeSystem } from "../../src/dominator/testing/whole-system.ts";
import { inlineTasks } from "../../src/dominator/thread/tasks.ts";
import { startMachineServer } from "../../src/mdb/machine-api/server.ts";
import { stillClock, until } from "../../src/mdb/testing/fleet.ts";
import { openMemoryStore } from "../../src/mdb/testing/memory-store.ts";
import { openPki } from "../../src/mdb/tls/pki.ts";
import { serverSecret } from "../../src/mdb/tls/server-secret.ts";
import { freePort } from "../support/free-port.ts";
import { waitFor } from "../support/inside-namespace.ts";

const quiet: Log = () => {};

/** A database with its authority, and servers that share it. */
async function openSite() {
  await using opened = new AsyncDisposableStack();
  const parent = mkdtempSync(join(tmpdir(), "birther-copies-"));
  opened.defer(() => rmSync(parent, { recursive: true }));
  const pki = { directory: join(parent, "pki") };
  const identity = await openPki({ ...pki, clock: { ...stillClock(), nowMs: () => Date.now() }, log: quiet });
  const { caPem } = identity;
  const store = opened.use(await openMemoryStore({ clock: stillClock(), log: quiet }));
  const secret = serverSecret(pki);

  /** Opens the images of one server, and gives them to others; `copying` keeps them the same as the others'. */
  async function openServer(name: string) {
    const lines: string[] = [];
    const log: Log = (_level, what, facts = {}) => {
      const { cause, ...rest } = facts;
      lines.push(`${what} ${JSON.stringify(rest)} ${cause instanceof Error ? cause.message : ""}`);
    };
    const directory = join(parent, name);
    const place = { objects: join(directory, "objects"), confidentialObjects: join(directory, "confidential-objects") };
    const images = await openImageStore(join(directory, "images"), { log });
    const objects = await openObjectStore(place.objects);
    const confidential = confidentialStores(place.confidentialObjects);
    const port = await freePort();
    kept.use(
      await startMachineServer({
        ...{
          addresses: [ip("127.0.0.1")],
          port,
          pki,
          apps: [copyApp({ images, objects, confidential, secret, readLog: async () => [] })],
        },
        ...{ requestLimit: () => ({ kind: "admitted" }), connectionsPerAddress: 100, log },
        clock: { ...stillClock(), nowMs: () => Date.now() },
      }),
    );
    const self = `127.0.0.1:${port}`;
    // A hundred times as fast, and it looks again at once.
    const clock = { monotonicMs: () => performance.now() * 100 };
    const pause = (_ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => setTimeout(() => (signal.aborted ? reject() : resolve()), 20));
    return {
      ...{ images, objects, confidential, lines, self, directory },
      copying: () => openCopies({ store, images, confidential, ...place, self, caPem, secret, clock, log, pause }),
      import: async (stream: string, text: string, facts: { readonly confidential?: true } = {}) => {
        const source = join(parent, "source");
        rmSync(source, { recursive: true, force: true });
        drawWholeSystem(source);
        writeFileSync(join(source, "etc-data"), text);
        const into = facts.confidential === true ? await confidential.ofStream(stream) : objects;
        const input = { images, objects: into, source, streams: [stream], nowMs: Math.round(performance.now()) };
        const [image] = await importImages({ ...input, ...facts, onProgress: () => {} });
        assert.ok(image);
        return image;
      },
    };
  }
  const kept = opened.move();
  return { store, secret, identity, openServer, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

type Server = Awaited<ReturnType<Awaited<ReturnType<typeof openSite>>["openServer"]>>;

/** The contents of an image, from a server's stores. */
async function contentsOf({ images, objects, confidential }: Server, image: ImageSummary): Promise<readonly string[]> {
  const { tree } = readManifest(images.pathOf(image.name), image.name).manifest;
  const from = image.confidential === true ? await confidential.ofStream(image.name.split("/")[0] ?? "") : objects;
  const texts: string[] = [];
  for (const inode of tree.inodes) {
    if (inode.kind !== "regular" || inode.size === 0) continue;
    const pieces: Uint8Array[] = [];
    for await (const piece of from.read(inode.sha512)) pieces.push(piece);
    texts.push(Buffer.concat(pieces).toString());
  }
  return texts;
}

const has = (server: Server, image: ImageSummary) =>
  server.images.get(image.name)?.manifest.sha512 === image.manifest.sha512;

test("an image that one server imports is on all of them, whole and with the same manifest", async () => {
  await using site = await openSite();
  const [one, two, three] = [
    await site.openServer("one"),
    await site.openServer("two"),
    await site.openServer("three"),
  ];
  const image = await one.import("compute", "d".repeat(200_000));
  await using first = one.copying();
  await using _second = two.copying();
  await using _third = three.copying();
  await until("both have it", () => [two, three].every((server) => has(server, image)));
  for (const server of [two, three])
    assert.deepEqual((await contentsOf(server, image)).toSorted(), (await contentsOf(one, image)).toSorted());
  await until("all are recorded", () => heldImagesOf(site.store)[0]?.servers.length === 3);
  const [view] = await first.images();
  assert.deepEqual(view?.servers?.toSorted(), [one.self, two.self, three.self].toSorted());
  assert.equal(view?.notHere, undefined);
});

test("collections on two servers while images are copied and removed: each has all of what is left, and nothing else", async () => {
  await using site = await openSite();
  const servers = [await site.openServer("one"), await site.openServer("two")] as const;
  const [one, two] = servers;
  let isDone = false;
  const collectOn = async (server: Server) => {
    const stores = { objects: "objects", confidentialObjects: "confidential-objects", images: "images" } as const;
    const paths = Object.fromEntries(Object.entries(stores).map(([key, name]) => [key, join(server.directory, name)]));
    const how = { isDryRun: false, olderThanMs: Number.POSITIVE_INFINITY };
    return await collect({ ...(paths as typeof stores), ...how });
  };
  const collecting = servers.map(async (server) => {
    let times = 0;
    // A copy or an import may hold the lock whenever it is asked for.
    while (!isDone || times === 0) {
      if ((await collectOn(server)).kind === "collected") times += 1;
      // Copies try for the lock every 100 ms: without a pause, they would hardly ever get it.
      await wait(30);
    }
    return times;
  });
  await using _first = one.copying();
  await using _second = two.copying();
  const images: ImageSummary[] = [];
  for (const [round, server] of [one, two, one, two].entries()) {
    images.push(await server.import("compute", `${round}`.repeat(100_000)));
    await until("both have it", () => servers.every((each) => images.every((image) => has(each, image))));
  }
  const [gone, ...left] = images;
  assert.ok(gone !== undefined);
  const tasks = inlineTasks();
  await openCatalogue({ images: one.images, tasks, store: site.store }).remove(gone.name, "test");
  await until("both have removed it", () => servers.every((each) => each.images.get(gone.name) === undefined));
  isDone = true;
  await Promise.all(collecting);
  for (const server of servers) {
    for (let found = await collectOn(server); found.kind !== "collected"; ) found = await collectOn(server);
    for (const image of left)
      for (const inode of readManifest(server.images.pathOf(image.name), image.name).manifest.tree.inodes)
        if (inode.kind === "regular" && inode.size > 0) assert.ok(await server.objects.isIntact(inode.sha512));
    assert.equal(await server.objects.sizeOf(sha512Of("0".repeat(100_000))), undefined);
  }
});

test("an image is listed with the reason while it is not here, and comes when its server does", async () => {
  await using site = await openSite();
  const [one, two] = [await site.openServer("one"), await site.openServer("two")];
  const image = await one.import("compute", "data");
  const nobody = `127.0.0.1:${await freePort()}`;
  {
    await using first = one.copying();
    await first.images();
  }
  const [held] = heldImagesOf(site.store);
  assert.ok(held);
  await site.store.putDocument(heldImageDocument({ ...held, servers: [nobody] }));
  await using second = two.copying();
  await until("a copy failed", () => two.lines.some((line) => /copying an image .* failed/.test(line)));
  // While the next attempt is under way, that is the reason.
  const isSaid = new RegExp(`${nobody}: .*ECONNREFUSED`);
  await waitFor("the reason", 60, async () => isSaid.test((await second.images())[0]?.notHere ?? "") || undefined);
  assert.equal(two.images.get(image.name), undefined, "nothing is used before it is whole");
  await site.store.putDocument(heldImageDocument({ ...held, servers: [nobody, one.self] }));
  await until("the other server is asked", () => has(two, image));
});

test("a damaged object is refused, and what was fetched before is not fetched again", async () => {
  await using site = await openSite();
  const [one, two] = [await site.openServer("one"), await site.openServer("two")];
  const image = await one.import("compute", "precious");
  const sha512 = sha512Of("precious");
  one.objects.shelf.refresh();
  const found = one.objects.shelf.find(sha512);
  assert.ok(found !== undefined);
  const { path, offset } = found;
  const whole = readFileSync(path);
  writeFileSync(path, Buffer.from(whole).fill("x", offset, offset + 1));
  await using _first = one.copying();
  await using _second = two.copying();
  await until("the damage is found", () => two.lines.some((line) => /object .* is damaged/.test(line)));
  assert.equal(two.images.get(image.name), undefined);
  assert.equal(await two.objects.sizeOf(sha512), undefined, "a damaged content gets no name");
  writeFileSync(path, whole);
  const copied = () => two.lines.find((line) => line.startsWith("copied an image"));
  await until("it is copied", () => has(two, image) && copied() !== undefined);
  assert.match(copied() ?? "", /"fetchedBytes":8}/, "what all other files share was fetched in the first attempt");
});

test("a name that two servers gave: the recorded image has it, the other one keeps its content under a new name", async () => {
  await using site = await openSite();
  const [one, two] = [await site.openServer("one"), await site.openServer("two")];
  const recorded = await one.import("compute", "one");
  const other = await two.import("compute", "two");
  await using first = one.copying();
  await first.images();
  await using _second = two.copying();
  await until("both have both", () => has(two, recorded) && one.images.get("compute/2") !== undefined);
  const second = two.images.get("compute/2");
  assert.ok(second && (await contentsOf(one, second)).includes("two"));
  assert.ok(two.lines.some((line) => line.includes('"newName":"compute/2"')));
  assert.notEqual(other.manifest.sha512, recorded.manifest.sha512);
});

test("the same system that was imported on each server is one image", async () => {
  await using site = await openSite();
  const [one, two] = [await site.openServer("one"), await site.openServer("two")];
  const recorded = await one.import("compute", "same");
  const path = two.images.pathOf("compute/1");
  await two.import("compute", "same");
  const tree = readManifest(one.images.pathOf("compute/1"), "compute/1").manifest;
  writeFileSync(path, JSON.stringify({ ...tree, createdAtMs: tree.createdAtMs + 1000, source: "/other" }));
  const reopened = await site.openServer("two");
  await using first = one.copying();
  await first.images();
  await using _second = reopened.copying();
  await until("the record's manifest is there", () => has(reopened, recorded));
  assert.deepEqual(reopened.images.names(), ["compute/1"]);
});

test("a manifest that cannot be read is replaced from another server", async () => {
  await using site = await openSite();
  const one = await site.openServer("one");
  const image = await one.import("compute", "data");
  await using _first = one.copying();
  {
    const before = await site.openServer("two");
    await using _second = before.copying();
    await until("it has it", () => has(before, image));
    writeFileSync(before.images.pathOf(image.name), "{");
  }
  const two = await site.openServer("two");
  assert.deepEqual(
    two.images.unreadable().map(({ name }) => name),
    [image.name],
  );
  await using _second = two.copying();
  await until("it has it again", () => has(two, image));
  assert.deepEqual(two.images.unreadable(), []);
});

test("an image that no server has any more is named once", async () => {
  await using site = await openSite();
  const one = await site.openServer("one");
  const image = await one.import("compute", "data");
  {
    await using first = one.copying();
    await first.images();
  }
  rmSync(one.images.pathOf(image.name));
  const again = await site.openServer("one");
  const [held] = heldImagesOf(site.store);
  assert.ok(held);
  await site.store.putDocument(heldImageDocument({ ...held, servers: [again.self] }));
  await using copies = again.copying();
  await until("it is named", () => again.lines.some((line) => /no server has an image any more/.test(line)));
  assert.deepEqual(await copies.images(), []);
  await until("its record has no server", () => heldImagesOf(site.store)[0]?.servers.length === 0);
  const next = await again.import("compute", "new data");
  await until("the next import gets another name", () => again.images.get("compute/2") !== undefined);
  assert.equal(next.name, "compute/1", "the import could not know");
  assert.equal(again.lines.filter((line) => /no server has an image/.test(line)).length, 1);
});

test("a confidential image goes to the stream's own store, and to nobody without the secret", async () => {
  await using site = await openSite();
  const [one, two] = [await site.openServer("one"), await site.openServer("two")];
  const image = await one.import("vault", "key of the database", { confidential: true });
  await using _first = one.copying();
  await using _second = two.copying();
  await until("it is copied", () => has(two, image));
  assert.equal(two.images.get(image.name)?.confidential, true);
  assert.ok((await contentsOf(two, image)).includes("key of the database"));
  const { sha512 } = await (await one.confidential.ofStream("vault")).add([Buffer.from("key of the database")]);
  assert.equal(await two.objects.sizeOf(sha512), undefined);
  const ask = (secret: string, path: string, body?: string) =>
    askServer(two.self, { secret, path, body, ca: site.identity.caPem });
  for (const secret of ["", "0".repeat(64), `${site.secret}0`, site.secret.slice(1)]) {
    assert.equal(await ask(secret, `${copyPaths.manifest}${image.manifest.sha512}`), 401);
    assert.equal(await ask(secret, `${copyPaths.objects}vault`, sha512), 401);
  }
  assert.equal(await ask(site.secret, `${copyPaths.objects}vault`, sha512), 200);
  assert.equal(await ask(site.secret, `${copyPaths.objects}other`, sha512), 404, "another stream does not contain it");
  assert.equal(await ask(site.secret, `${copyPaths.objects}..%2Fvault`, sha512), 400);
});

async function askServer(
  server: string,
  { secret, path, body, ca }: { secret: string; path: string; body?: string | undefined; ca: string },
): Promise<number> {
  const { request } = await import("node:https");
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${secret}` };
    const method = body === undefined ? "GET" : "POST";
    request(`https://${server}${path}`, { ca, servername: "birther", headers, method }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on("error", reject)
      .end(body);
  });
}

const liars: readonly (readonly [title: string, answer: string, expected: RegExp])[] = [
  ["a manifest with other bytes", "x".repeat(5000), /manifest is damaged/],
  ["an answer that ends early", "x", /ended too early/],
];
for (const [title, answer, expected] of liars)
  test(`a server that sends ${title} is named, and nothing of it is used`, async () => {
    await using site = await openSite();
    const [one, two] = [await site.openServer("one"), await site.openServer("two")];
    await one.import("compute", "data");
    {
      await using first = one.copying();
      await first.images();
    }
    const { certificatePem: cert, keyPem: key } = site.identity;
    const liar = createTlsServer({ cert, key }, (_request, response) => void response.end(answer)).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => liar.once("listening", resolve));
    try {
      const [held] = heldImagesOf(site.store);
      assert.ok(held);
      const server = `127.0.0.1:${(liar.address() as AddressInfo).port}`;
      await site.store.putDocument(heldImageDocument({ ...held, servers: [server] }));
      await using _second = two.copying();
      await until("it is named", () => two.lines.some((line) => line.includes(server) && expected.test(line)));
      assert.deepEqual(two.images.names(), []);
    } finally {
      liar.closeAllConnections();
      await new Promise((resolve) => liar.close(resolve));
    }
  });

test("a server that drips is left after its time", async () => {
  await using site = await openSite();
  const two = await site.openServer("two");
  const { certificatePem: cert, keyPem: key } = site.identity;
  const dripping = new Set<NodeJS.Timeout>();
  const dripper = createTlsServer({ cert, key }, (_request, response) => {
    dripping.add(setInterval(() => response.write("x"), 10));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => dripper.once("listening", resolve));
  try {
    const job: CopyJob = {
      kind: "copy",
      image: {
        name: "compute/1",
        createdAtMs: 1,
        entries: 1,
        bytes: 1,
        manifest: { sha512: "a".repeat(128), size: 1e6 },
      },
      ...{ server: `127.0.0.1:${(dripper.address() as AddressInfo).port}`, secret: site.secret, answerLimitMs: 300 },
      ...{ objects: join(two.directory, "objects"), draft: join(two.directory, "draft"), caPem: site.identity.caPem },
    };
    const copied = copyImage(job, () => {});
    await assert.rejects(copied, /timeout|aborted/);
  } finally {
    for (const timer of dripping) clearInterval(timer);
    dripper.closeAllConnections();
    await new Promise((resolve) => dripper.close(resolve));
  }
});

test("a copy ends before the disk is full, leaves no image, and continues when there is room", async () => {
  await using site = await openSite();
  const [one, two] = [await site.openServer("one"), await site.openServer("two")];
  const image = await one.import("compute", "data");
  const job: CopyJob = {
    ...{ kind: "copy", image, server: one.self, secret: site.secret, answerLimitMs: 60_000 },
    ...{ objects: join(two.directory, "objects"), draft: join(two.directory, "draft"), caPem: site.identity.caPem },
  };
  await assert.rejects(
    copyImage(
      job,
      () => {},
      () => 100 << 20,
    ),
    /objects: expected \d+ MiB of free space to go on, found 100 MiB; make room/,
  );
  assert.throws(() => readFileSync(job.draft), /ENOENT/);
  const { fetchedBytes } = await copyImage(
    job,
    () => {},
    () => 1e12,
  );
  assert.ok(fetchedBytes > 0);
  assert.equal(sha512Of(readFileSync(job.draft)), image.manifest.sha512);
});

test("a server that ends in the middle of a copy leaves nothing, and stops at once", async () => {
  await using site = await openSite();
  const [one, two] = [await site.openServer("one"), await site.openServer("two")];
  const image = await one.import("compute", "data");
  await using first = one.copying();
  await first.images();
  const copies = two.copying();
  const beganMs = performance.now();
  await copies[Symbol.asyncDispose]();
  assert.ok(performance.now() - beganMs < 60_000);
  await using _again = two.copying();
  await until("the next start copies it", () => has(two, image));
  assert.equal(readFileSync(two.images.pathOf(image.name), "utf8").length, image.manifest.size);
});
