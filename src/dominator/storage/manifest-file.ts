import { readFileSync } from "node:fs";
import * as v from "valibot";
import { imageManifest } from "../../contract/sub.ts";
import { type ImageManifest, type ImageSummary, summariseImage } from "../../core/image/manifest.ts";
import { faultOfTree, faultOfTreeAttributes } from "../../core/image/tree.ts";
import { sha512Of } from "./sha512.ts";

/** A manifest and its summary. */
export type StoredManifest = { readonly manifest: ImageManifest; readonly summary: ImageSummary };

/**
 * Reads the manifest of an image from its file, without waiting in between: 12,000 files take tens of milliseconds, so
 * a server does it in a thread. Throws if it is unreadable.
 */
export function readManifest(path: string, name: string): StoredManifest {
  try {
    const text = readFileSync(path, "utf8");
    const manifest = checkManifest(JSON.parse(text), path);
    if (manifest.name !== name) throw new Error(`manifest: expected the name ${name}, found ${manifest.name}`);
    return { manifest, summary: summaryOf(manifest, text) };
  } catch (cause) {
    throw new Error(`image ${name}: reading ${path} failed`, { cause });
  }
}

/** The summary of a manifest whose file has this text. */
export function summaryOf(manifest: ImageManifest, text: string): ImageSummary {
  return summariseImage(manifest, { sha512: sha512Of(text), size: Buffer.byteLength(text) });
}

/** Throws if the data is not a manifest; `what` names it in the error. */
export function checkManifest(data: unknown, what: string): ImageManifest {
  const manifest = v.parse(imageManifest, data);
  const fault = faultOfTree(manifest.tree) ?? faultOfTreeAttributes(manifest.tree);
  if (fault !== undefined) throw new Error(`${what}: ${fault}`);
  return manifest;
}
