import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Hono } from "hono";
import type { ImportProgress } from "../../src/core/image/import-progress.ts";
import { collectInThread } from "../../src/dominator/storage/collect/collect-thread.ts";
import { openCatalogue } from "../../src/dominator/storage/image-catalogue.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { viewImages } from "../../src/dominator/storage/image-views.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { holdContents } from "../../src/dominator/storage/store-lock.ts";
import { drawWholeSystem } from "../../src/dominator/testing/whole-system.ts";
import { inlineTasks } from "../../src/dominator/thread/tasks.ts";
import { openActTaker } from "../../src/main/acts/take-acts.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { adoptImports } from "../../src/mdb/image-streams/first-current.ts";
import type { OperatorEnv } from "../../src/mdb/operator-api/caller/authenticate.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { birther, outcomeOf, start } from "./birther-command.ts";

type ImportNote = ImportProgress & { readonly ended?: true };

describe("image verbs against a server and its images", () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-image-verbs-"));
  const state = join(parent, "state");
  const life = new AsyncDisposableStack();
  let site: Awaited<ReturnType<typeof openApp>>;
  /** What imports have told the server. */
  const notes: ImportNote[] = [];
  const image = (...text: string[]) => birther("image", ...text, "--state", state);
  const json = async (...text: string[]) => {
    const { out, err, status } = await image(...text, "-o", "json");
    assert.equal(status, 0, err);
    return JSON.parse(out);
  };
  const objects = async () => await Array.fromAsync((await openObjectStore(join(state, "objects"))).names());

  /** A system with a file of its own in each version. */
  function drawVersion(version: number): string {
    const tree = join(parent, `tree-${version}`);
    mkdirSync(join(tree, "opt"), { recursive: true });
    drawWholeSystem(tree);
    writeFileSync(join(tree, "opt/same"), "the same in all\n");
    writeFileSync(join(tree, "opt/changes"), `version ${version}\n`.repeat(1000 * version));
    return tree;
  }

  before(async () => {
    mkdirSync(state);
    for (const version of [1, 2, 3]) {
      const { status, err } = await image("import", "compute", drawVersion(version));
      assert.equal(status, 0, err);
    }
    const images = await openImageStore(join(state, "images"), { log: () => undefined });
    const stores = {
      ...{ images: join(state, "images"), objects: join(state, "objects") },
      confidentialObjects: join(state, "confidential-objects"),
    };
    const { signal } = new AbortController();
    site = life.use(
      await openApp(2, 0, [], (store) => ({
        takeActs: async () => {
          await using _taker = await openActTaker({ directory: pathsIn(state).acts, store, log: () => undefined });
        },
        catalogue: {
          ...openCatalogue({ images, tasks: inlineTasks(), store }),
          isInRules: () => false,
          collect: (isDryRun) =>
            collectInThread({ ...stores, isDryRun, olderThanMs: Number.POSITIVE_INFINITY }, signal),
        },
        images: async () => {
          await images.refresh();
          return viewImages(images);
        },
      })),
    );
    await adoptImports(site, ["compute/1"]);
    for (const { id } of site.store.list()) await site.store.apply({ kind: "subSeen", id, runningImage: "compute/1" });
    const app = new Hono<OperatorEnv>();
    app.use("/v1/imports", async (c, next) => {
      notes.push((await c.req.raw.clone().json()) as ImportNote);
      await next();
    });
    app.route("/", site.app);
    life.use(await startOperatorServer({ path: join(state, "api.sock"), app, log: site.log }));
  });
  after(async () => {
    await life.disposeAsync();
    rmSync(parent, { recursive: true });
  });

  test("show: contents, what is shared, and who uses the image", async () => {
    const { out, err, status } = await image("show", "compute/1");
    assert.equal(status, 0, err);
    assert.match(out, /^compute\/1 +imported .* from .*tree-1$/m);
    assert.match(out, /^use +current version of its stream$/m);
    assert.match(out, /^required by +2 machines: r01u1, r01u2$/m);
    assert.match(out, /^shared +.* with compute\/2/m);
    assert.equal((await json("show", "compute/2")).runBy.count, 0);
  });

  test("import: a running server, its feed and its lists hear how far it is, and that it has ended", async () => {
    const { status, err } = await image("import", "heard", join(parent, "tree-3"));
    assert.equal(status, 0, err);
    const [first] = notes;
    assert.deepEqual([first?.stream, (first?.totalBytes ?? 0) > 1000, notes.at(-1)?.ended], ["heard", true, true]);

    // One that ends when the feed has shown it: a real one of this size may end between two chunks of the feed.
    const feed = await site.app.request("/v1/fleet/changes", {}, { listener: { kind: "socket", user: "root" } });
    const { paths, doneBytes, totalBytes } = first ?? assert.fail();
    const note = async (more: object) => {
      const body = JSON.stringify({ stream: "shown", paths, doneBytes, totalBytes, ...more });
      const headers = { "content-type": "application/json" };
      const sent = { method: "POST", headers, body };
      const answer = await site.app.request("/v1/imports", sent, { listener: { kind: "socket", user: "root" } });
      assert.equal(answer.status, 200);
    };
    let isShown = false;
    const read = readImports(feed, (imports) => {
      isShown ||= imports[0]?.stream === "shown";
      return isShown && imports.length === 0;
    });
    while (!isShown) {
      await note({});
      await wait(50);
    }
    assert.match((await image("list")).err, /^importing shown: \d+ % of \d+ MiB, \d+ paths?$/m);
    assert.match((await birther("status", "--state", state)).out, /^ {2}importing shown: \d+ % of/m);
    await note({ ended: true });
    await read;
    assert.equal((await image("remove", "heard/1")).status, 0, "for the tests after this one");
  });

  test("audit: an import without a server, one beside it and gc are there, with who, from what, why and the digest", async () => {
    const tree = join(parent, "tree-3");
    assert.equal((await image("import", "known", tree, "--reason", "CVE-2026-1")).status, 0);
    assert.equal((await image("remove", "known/1", "--reason", "not needed")).status, 0);
    assert.equal((await image("gc", "--reason", "disk is full")).status, 0);
    assert.equal((await image("gc", "--dry-run")).status, 0, "changes nothing, and so is not there");
    const { out, err } = await birther("audit", "--state", state, "-o", "json");
    type Entry = {
      action: string;
      subject: string;
      by: string;
      request?: { from: string; reason?: string };
      after?: { source?: string; manifestSha512?: string };
    };
    const entries = (JSON.parse(out || "[]") as Entry[]).filter(({ action }) => /image$|^remove/.test(action));
    const said = entries.map(({ action, subject, by, request }) => [
      action,
      subject,
      by,
      request?.from,
      request?.reason,
    ]);
    assert.deepEqual(
      said.slice(0, 3),
      [
        ["remove contents", "images", "uid:root", "local", "disk is full"],
        ["put image", "known/1", "uid:root", "local", "not needed"],
        ["import image", "known/1", "uid:root", "local", "CVE-2026-1"],
      ],
      err,
    );
    assert.deepEqual(
      said.at(-1),
      ["import image", "compute/1", "uid:root", "local", undefined],
      "before the server ran",
    );
    const [facts, first] = [entries[2], entries.at(-1)].map((entry) => entry?.after);
    assert.equal(facts?.source, tree);
    assert.match(facts?.manifestSha512 ?? "", /^[0-9a-f]{128}$/);
    const manifest = readFileSync(join(state, "images/compute/1.json"));
    const digest = createHash("sha512").update(manifest).digest("hex");
    assert.equal(first?.manifestSha512, digest, "of the file that servers and machines get");
    const listed = await birther("audit", "known/1", "--state", state);
    assert.match(listed.out, /uid:root +local +import image +known\/1: CVE-2026-1$/m);
  });

  test("diff: the paths that differ, and what an update fetches", async () => {
    const { out, err } = await image("diff", "compute/1", "compute/2");
    assert.match(out, /^~ \/opt\/changes {2}\(content, time\)$/m, err);
    assert.match(out, /0 paths added, 0 removed, \d+ changed; to fetch: .* in 1 object$/m);
    assert.equal((await json("diff", "compute/2", "compute/1")).fetch.objects, 1);
  });

  test("a name that is no image, and an image that does not exist: each verb says what there is", async () => {
    for (const verb of [["show"], ["diff", "compute/1"], ["remove"]]) {
      const misnamed = await image(...verb, "compute");
      assert.deepEqual(
        [misnamed.status, /expected an image such as compute\/3, found compute/.test(misnamed.err)],
        [2, true],
      );
      const absent = await image(...verb, "compute/9");
      assert.equal(absent.status, 1);
      assert.match(absent.err, /found compute\/9; existing images: compute\/1, compute\/2, compute\/3/);
    }
  });

  test("remove: refused while a machine runs or requires it, by name; gc frees what only a removed image needs", async () => {
    const current = await image("remove", "compute/1");
    assert.equal(current.status, 1);
    assert.match(current.err, /compute\/1 is the current version of its stream/);
    const { id } = site.store.find("r01u2") ?? assert.fail();
    await site.store.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/2" } });
    assert.match((await image("remove", "compute/2")).err, /compute\/2 is required by 1 machine: r01u2/);
    await site.store.apply({ kind: "subSeen", id, runningImage: "compute/2" });
    await site.store.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/1" } });
    const run = await image("remove", "compute/2");
    assert.match(run.err, /compute\/2 is run by 1 machine: r01u2\n *promote or require another version/);
    assert.match((await image("gc", "--dry-run")).out, /^would remove 0 contents of 0 B$/m);
    const removed = await image("remove", "compute/3");
    assert.equal(removed.status, 0, removed.err);
    assert.match(removed.out, /^compute\/3 is removed; .* birther image gc at once$/m);
    assert.match((await image("show", "compute/3")).err, /existing images: compute\/1, compute\/2$/m);
    const before = await objects();
    const planned = await json("gc", "--dry-run");
    assert.deepEqual([planned.objects, planned.bytes, planned.dryRun], [1, 30_000, true]);
    assert.deepEqual(await objects(), before);
    assert.match((await image("gc")).out, /^removed 1 content of 29\.3 KiB$/m);
    assert.equal((await objects()).length, before.length - 1);
    assert.match((await image("verify")).out, /all contents are intact/);
    assert.deepEqual((await json("gc")).objects, 0);
    // Its name is not given again.
    assert.match((await image("import", "compute", join(parent, "tree-3"))).out, /^compute\/4: /);
  });

  test("gc while something is imported: refused with what to do, and nothing goes", async () => {
    using _import = await holdContents(join(state, "objects"));
    const { status, err } = await image("gc");
    assert.equal(status, 1);
    assert.match(
      err,
      /expected no import, copy or collection under way, found one\n *repeat the command when it has ended/,
    );
  });

  test("gc without a server: in its state directory, and none is made for a mistyped one", async () => {
    const lone = join(parent, "lone");
    assert.equal((await birther("image", "import", "compute", join(parent, "tree-1"), "--state", lone)).status, 0);
    assert.match((await birther("image", "gc", "--state", lone)).out, /^removed 0 contents of 0 B$/m);
    writeFileSync(join(lone, "images/compute/1.json"), "{");
    const unreadable = await birther("image", "gc", "--state", lone);
    assert.equal(unreadable.status, 1);
    assert.match(unreadable.err, /manifests of these images cannot be read, .*: compute\/1\n *import them again/);
    const mistyped = await birther("image", "gc", "--state", join(parent, "mistyped"));
    assert.match(mistyped.err, /expected a state directory, found nothing/);
    assert.equal(existsSync(join(parent, "mistyped")), false);
  });

  test("export: an archive that imports to the same image; neither a file nor half of one is left where it must not be", async () => {
    const file = join(parent, "one.tar");
    const { status, err } = await image("export", "compute/1", file);
    assert.equal(status, 0, err);
    assert.match((await image("export", "compute/1", file)).err, /one\.tar/);
    assert.match(
      (await image("export", "compute/9", join(parent, "nine.tar"))).err,
      /found compute\/9\n *to list them: birther image list/,
    );
    assert.equal(existsSync(join(parent, "nine.tar")), false);
    const again = join(parent, "again");
    assert.equal((await birther("image", "import", "compute", file, "--state", again)).status, 0);
    const treeOf = (directory: string) =>
      JSON.parse(readFileSync(join(directory, "images/compute/1.json"), "utf8")).tree;
    assert.deepEqual(treeOf(again), treeOf(state));
    assert.deepEqual(execFileSync("tar", ["-tf", file]).toString().includes("opt/changes"), true);
  });

  test("export: Ctrl-C leaves no file, and the second run works", async () => {
    const tree = join(parent, "large");
    mkdirSync(tree);
    drawWholeSystem(tree);
    writeFileSync(join(tree, "usr/large"), "");
    // Its export takes seconds, and is ended while it writes.
    truncateSync(join(tree, "usr/large"), 512 << 20);
    const large = join(parent, "large-state");
    const imported = await birther("image", "import", "large", tree, "--state", large);
    assert.equal(imported.status, 0, imported.err);
    const out = join(parent, "out");
    mkdirSync(out);
    const words = ["image", "export", "large/1", join(out, "large.tar"), "--state", large];
    const child = start(words);
    const outcome = outcomeOf(child);
    while (readdirSync(out).length === 0 && child.exitCode === null) await wait(5);
    child.kill("SIGINT");
    const { status, err } = await outcome;
    assert.equal(status, 130, err);
    assert.match(err, /export interrupted; no file was written\n *repeat the command/);
    assert.deepEqual(readdirSync(out), []);
    const second = await outcomeOf(start(words));
    assert.equal(second.status, 0, second.err);
    assert.deepEqual(readdirSync(out), ["large.tar"]);
  });

  test("build: Ctrl-C, before or while mmdebstrap runs, adds no image and leaves no file and no process", async () => {
    const recipe = join(import.meta.dirname, "../../recipes/compute.yaml");
    const built = join(parent, "built");
    const builds = join(built, "builds");
    const inBuilds = () => (existsSync(builds) ? readdirSync(builds) : []);
    const builders = () =>
      readdirSync("/proc").filter((pid) => {
        const command = /^\d+$/.test(pid) ? commandOf(pid) : "";
        return command.includes("mmdebstrap") && command.includes(builds);
      });
    const isRoot = process.getuid?.() === 0;
    for (const hasBegun of [() => inBuilds().length > 0, () => builders().length > 0]) {
      const child = start(["image", "build", "compute", recipe, "--state", built]);
      const outcome = outcomeOf(child);
      while (!hasBegun() && child.exitCode === null) await wait(5);
      child.kill("SIGINT");
      const { status, err } = await outcome;
      assert.equal(status, isRoot ? 130 : 1, err);
      assert.match(err, isRoot ? /build interrupted; no image was added/ : /expected to run as root/);
      assert.deepEqual([inBuilds(), builders(), existsSync(join(built, "images/compute"))], [[], [], false]);
    }
  });
});

/** The command line of a process; empty if it has ended. */
function commandOf(pid: string): string {
  try {
    return readFileSync(join("/proc", pid, "cmdline"), "latin1");
  } catch {
    return "";
  }
}

/** Reads the imports that a feed shows, until `isLast` says so of one list. */
async function readImports(feed: Response, isLast: (imports: readonly ImportProgress[]) => boolean): Promise<void> {
  let text = "";
  for await (const bytes of feed.body ?? assert.fail()) {
    text += Buffer.from(bytes).toString();
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1] ?? "{}";
      text = text.slice(end + 2);
      const { imports } = JSON.parse(data) as { readonly imports?: readonly ImportProgress[] };
      if (imports !== undefined && isLast(imports)) return;
    }
  }
  throw new Error("the feed ended before the import");
}
