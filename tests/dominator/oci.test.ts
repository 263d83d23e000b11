import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Tree } from "../../src/core/image/tree.ts";
import { importTree } from "../../src/dominator/import/tree.ts";
import { type ObjectStore, openObjectStore } from "../../src/dominator/storage/object-store.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-oci-"));
after(() => rmSync(directory, { recursive: true }));
let objects: ObjectStore;
before(async () => {
  objects = await openObjectStore(join(directory, "objects"));
});

let drawn = 0;

/** A new directory with these files; a path that ends with a slash is a directory. */
function draw(files: { readonly [path: string]: string }): string {
  drawn += 1;
  const place = join(directory, `drawn-${drawn}`);
  mkdirSync(place);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(place, path.endsWith("/") ? path : dirname(path)), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(join(place, path), text);
  }
  return place;
}

/** The archive of a layer. */
function layerOf(files: { readonly [path: string]: string }, change?: (place: string) => void): Buffer {
  const place = draw(files);
  change?.(place);
  return execFileSync("tar", ["-C", place, "-c", "--sort=name", "."], { maxBuffer: 1 << 26 });
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";

type Descriptor = { readonly mediaType: string; readonly digest: string; readonly size: number };

/** An OCI layout: `describe` gets a function that stores a blob, and returns what index.json names. */
function layout(
  describe: (blob: (bytes: Buffer | object, mediaType?: string) => Descriptor) => readonly object[],
): string {
  const place = draw({ "oci-layout": '{"imageLayoutVersion":"1.0.0"}', "blobs/sha256/": "" });
  const blob = (content: Buffer | object, mediaType = manifestType) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes);
    writeFileSync(join(place, "blobs", digest.replace(":", "/")), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  writeFileSync(join(place, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: describe(blob) }));
  return place;
}

function layoutOf(...layers: readonly Buffer[]): string {
  return layout((blob) => [blob({ schemaVersion: 2, layers: layers.map((layer) => blob(layer, "layer")) })]);
}

function archiveOf(place: string, ...options: readonly string[]): string {
  const archive = `${place}.tar`;
  execFileSync("tar", ["-C", place, "-cf", archive, ...options, "."]);
  return archive;
}

const from = (source: string) => importTree({ source, objects, filter: [] });
const pathsOf = (tree: Tree) => tree.entries.map(([path]) => path);

/** The paths of a tree, with the text of each file. */
async function textsOf(tree: Tree): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [path, number] of tree.entries) {
    const inode = tree.inodes[number];
    if (inode?.kind === "symlink") texts[path] = `-> ${inode.target}`;
    else if (inode?.kind !== "regular") texts[path] = inode?.kind ?? "";
    else {
      const pieces: Uint8Array[] = [];
      if (inode.size > 0) for await (const piece of objects.read(inode.sha512)) pieces.push(piece);
      texts[path] = Buffer.concat(pieces).toString();
    }
  }
  return texts;
}

const lower = { "etc/a": "a", "etc/b": "b", "opt/x/deep/y": "y", "opt/x/z": "z", "srv/file": "f", "lib/sub/l": "l" };

test("layers: files are replaced and removed, whole directories are hidden, and a directory becomes a file", async () => {
  const upper = layerOf(
    {
      ...{ "etc/.wh.a": "", "etc/b": "new", "etc/.wh.absent": "", "opt/x/.wh..wh..opq": "", "opt/x/own": "o" },
      ...{ ".wh.srv": "", "lib/sub": "now a file", ".wh..wh.plnk/": "" },
    },
    (place) => chmodSync(join(place, "etc"), 0o700),
  );
  for (const packed of [upper, gzipSync(upper), zstdCompressSync(upper)]) {
    const tree = await from(layoutOf(layerOf(lower), packed));
    assert.deepEqual(await textsOf(tree), {
      ...{ "/etc": "directory", "/etc/b": "new", "/lib": "directory", "/lib/sub": "now a file" },
      ...{ "/opt": "directory", "/opt/x": "directory", "/opt/x/own": "o" },
    });
    const etc = tree.inodes[tree.entries.find(([path]) => path === "/etc")?.[1] ?? -1];
    assert.ok(etc?.kind === "directory" && etc.mode === 0o700);
  }
});

test("layers: a whiteout does not hide what its own layer has, whatever comes first in the archive", async () => {
  const upper = layerOf({ "etc/.wh.a": "", "etc/a": "again", ".wh..wh..opq": "" });
  assert.deepEqual(await textsOf(await from(layoutOf(layerOf(lower), upper))), {
    ...{ "/etc": "directory", "/etc/a": "again" },
  });
});

test("layers: a hard link may lead to a file of a lower layer", async () => {
  const place = draw({ "etc/a": "a" });
  linkSync(join(place, "etc/a"), join(place, "etc/other"));
  const both = execFileSync("tar", ["-C", place, "-c", "./etc/a", "./etc/other"]);
  // The member of `etc/a` is a header and a block of content; without it the link leads below.
  const tree = await from(layoutOf(layerOf({ "etc/a": "below" }), both.subarray(1024)));
  assert.deepEqual(await textsOf(tree), { "/etc": "directory", "/etc/a": "below", "/etc/other": "below" });
  assert.equal(new Set(tree.entries.map(([, number]) => number)).size, 2);
});

test("layouts: the image of this processor is chosen, an attestation is none, two images are refused with their names", async () => {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const image = (name: string, blob: (content: Buffer | object) => Descriptor) =>
    blob({ layers: [blob(layerOf({ [name]: name }))] });
  const platforms = (...of: readonly string[]) =>
    layout((blob) => {
      const manifests = of.map((text, index) => {
        const [os, arch] = text.split("/");
        return { ...image(`image-${index}`, blob), platform: { os, architecture: arch } };
      });
      return [{ ...blob({ manifests }, indexType), annotations: { "org.opencontainers.image.ref.name": "latest" } }];
    });
  const ours = `linux/${architecture}`;
  assert.deepEqual(pathsOf(await from(platforms("linux/s390x", ours, "unknown/unknown"))), ["/image-1"]);
  assert.deepEqual(pathsOf(await from(platforms("linux/s390x", "unknown/unknown"))), ["/image-0"], "the only one");
  await assert.rejects(
    from(platforms(ours, ours)),
    /expected one image for linux\/\w+, found 2 of 2: sha256:[0-9a-f]+/,
  );
  await assert.rejects(from(platforms("windows/amd64")), /found 0 of 1: .*windows\/amd64/);
  await assert.rejects(from(layout(() => [])), /found 0 of 0: none; to make a layout with one, use skopeo copy/);
});

const good = layerOf(lower);

test("layouts: damage and attacks are refused by name, and nothing is imported", async () => {
  const wrongLayer = layoutOf(good);
  writeFileSync(join(wrongLayer, "blobs", digestOf(good).replace(":", "/")), Buffer.concat([good, Buffer.alloc(512)]));
  await assert.rejects(
    from(wrongLayer),
    /blobs\/sha256\/\w+: expected the digest sha256:\w+, found sha256:\w+; .*damaged/,
  );
  const absent = layoutOf(good);
  rmSync(join(absent, "blobs", digestOf(good).replace(":", "/")));
  await assert.rejects(from(absent), /blobs\/sha256\/\w+: expected a file, found none/);
  const outside = { digest: "sha256:../../../etc/passwd", size: 1, mediaType: manifestType };
  await assert.rejects(from(layout(() => [outside])), /index\.json: manifests\S*digest/);
  await assert.rejects(from(layout((blob) => [blob({ layers: [] })])), /blobs\/sha256\/\w+: layers/);
  await assert.rejects(from(layout((blob) => [blob(Buffer.from("no JSON"))])), /expected JSON/);
  await assert.rejects(
    from(layout((blob) => [blob(Buffer.alloc((4 << 20) + 1, 32))])),
    /at most 4194304 bytes of JSON/,
  );
  const foreign = {
    ...{ digest: digestOf(good), size: 1 },
    mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar",
  };
  await assert.rejects(from(layout((blob) => [blob({ layers: [foreign] })])), /found one of another source/);
  const deep = layout((blob) => {
    let at: Descriptor = blob({ manifests: [] }, indexType);
    for (let depth = 0; depth < 6; depth += 1) at = blob({ manifests: [at] }, indexType);
    return [at];
  });
  await assert.rejects(from(deep), /at most 4 deep/);
  await assert.rejects(from(layoutOf(good.subarray(0, 700))), /import .*: the archive is truncated/);
  for (const name of [".wh..", ".wh...", ".wh."])
    await assert.rejects(from(layoutOf(layerOf({ [`etc/${name}`]: "" }))), /expected a (whiteout|plain)/);
});

test("layers: nothing gets outside through a link", async () => {
  const outward = layerOf({}, (place) => symlinkSync("/tmp", join(place, "etc")));
  const through = execFileSync("tar", ["-C", draw({ "etc/a": "a" }), "-c", "./etc/a"]);
  await assert.rejects(from(layoutOf(outward, through)), /\/etc\/a: expected the directory \/etc, found a symlink/);
});

test("archives: an OCI archive gives the same tree; a compressed one, and any other archive, is no container image", async () => {
  const place = layoutOf(good);
  const expected = await textsOf(await from(place));
  assert.deepEqual(await textsOf(await from(archiveOf(place))), expected);
  await assert.rejects(
    from(archiveOf(place, "-z")),
    /container image to be plain, found it compressed; unpack it first/,
  );
  const system = archiveOf(draw({ ...lower, "manifest.json": "[]" }));
  assert.equal((await textsOf(await from(system)))["/manifest.json"], "[]");
});

test("archives of docker save: layers in the order of the manifest, each with the digest of its content", async () => {
  const upper = layerOf({ "etc/.wh.a": "" });
  const save = (diffIds: readonly string[], images = 1) => {
    const config = Buffer.from(JSON.stringify({ rootfs: { type: "layers", diff_ids: diffIds } }));
    const [one, two, three] = ["1", "2", "3"].map((digit) => digit.repeat(64));
    const image = { Config: `${digestOf(config).slice(7)}.json`, Layers: [`${one}/layer.tar`, `${three}/layer.tar`] };
    const place = draw({
      [image.Config]: config.toString(),
      "manifest.json": JSON.stringify(Array.from({ length: images }, () => image)),
      ...{ [`${one}/VERSION`]: "1.0", [`${two}/json`]: "{}", [`${three}/json`]: "{}" },
    });
    writeFileSync(join(place, `${one}/layer.tar`), good);
    writeFileSync(join(place, `${two}/layer.tar`), upper);
    symlinkSync(`../${two}/layer.tar`, join(place, `${three}/layer.tar`));
    return archiveOf(place);
  };
  const tree = await from(save([digestOf(good), digestOf(upper)]));
  assert.ok(!pathsOf(tree).includes("/etc/a") && pathsOf(tree).includes("/etc/b"));
  await assert.rejects(from(save([digestOf(good), digestOf(good)])), /layer\.tar: expected the digest sha256:/);
  await assert.rejects(from(save([digestOf(good)])), /expected 2 digests of layers, found 1/);
  await assert.rejects(from(save([digestOf(good), digestOf(upper)], 2)), /expected one image, found 2/);
});

test("real tools: what umoci unpacks is what an import finds, in every form that skopeo writes", async () => {
  const place = join(directory, "umoci");
  const run = (command: string, ...options: readonly string[]) =>
    void execFileSync(command, options, { stdio: "pipe" });
  run("umoci", "init", "--layout", place);
  run("umoci", "new", "--image", `${place}:system`);
  const bundle = join(directory, "bundle");
  run("umoci", "unpack", "--image", `${place}:system`, bundle);
  const root = join(bundle, "rootfs");
  for (const [path, text] of Object.entries(lower)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  run("umoci", "repack", "--refresh-bundle", "--image", `${place}:system`, bundle);
  rmSync(join(root, "opt"), { recursive: true });
  rmSync(join(root, "etc/a"));
  writeFileSync(join(root, "etc/b"), "of the second layer");
  rmSync(join(root, "lib/sub"), { recursive: true });
  symlinkSync("../srv", join(root, "lib/sub"));
  mkdirSync(join(root, "größe"));
  linkSync(join(root, "etc/b"), join(root, "größe/b"));
  run("umoci", "repack", "--image", `${place}:system`, bundle);
  run("umoci", "gc", "--layout", place);
  const expected = await textsOf(await from(root));
  assert.equal(expected["/etc/b"], "of the second layer");
  assert.equal(readFileSync(join(place, "index.json"), "utf8").includes("system"), true);
  const copy = (to: string, ...options: readonly string[]) =>
    run("skopeo", "--insecure-policy", "copy", ...options, `oci:${place}:system`, to);
  const zstd = join(directory, "zstd");
  copy(`oci:${zstd}:system`, "--dest-compress-format", "zstd", "--dest-compress");
  copy(`oci-archive:${directory}/oci.tar`);
  copy(`docker-archive:${directory}/docker.tar:system:1`);
  for (const source of [place, zstd, join(directory, "oci.tar"), join(directory, "docker.tar")])
    assert.deepEqual(await textsOf(await from(source)), expected, source);
});
