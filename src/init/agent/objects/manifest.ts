import * as os from "os";
import * as v from "valibot";
import { faultMessages, faultsOf } from "../../../contract/shape-faults.ts";
import { imageManifest, manifestPath } from "../../../contract/sub.ts";
import type { ImageManifest } from "../../../core/image/manifest.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import { createFile, exists, hashFile, makeDirectories, readText, rename } from "../../beneath/files.ts";
import { writeToDescriptor } from "../../system/files.ts";
import { type HttpClient, statusIn } from "../../system/http.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";

/** The manifest with this hash: as it was fetched earlier, or from the server. Throws if what arrives is another one. */
export function loadManifest(context: SubContext, http: HttpClient, { sha512, size }: Content): ImageManifest {
  const { root } = context;
  const path = agentPaths.manifest;
  if (!exists(root, path) || hashFile(root, path) !== sha512) fetchManifest(context, http, { sha512, size });
  const parsed = v.safeParse(imageManifest, JSON.parse(readText(root, path)), faultMessages);
  if (!parsed.success) throw new Error(`${path}: ${faultsOf(parsed.issues, "manifest")}`);
  return parsed.output;
}

function fetchManifest({ root, alive, log }: SubContext, http: HttpClient, { sha512, size }: Content): void {
  const path = agentPaths.manifest;
  const draft = `${path}.new`;
  makeDirectories(root, agentPaths.state);
  const fd = createFile(root, draft);
  let received = 0;
  const get = () =>
    http.get(`${manifestPath}${sha512}`, (piece) => {
      alive();
      received += piece.length;
      if (received > size) throw new Error(`manifest: expected ${size} bytes, found more`);
      writeToDescriptor(fd, piece, `write ${draft}`);
    });
  try {
    get();
  } catch (error) {
    // A port of the server does not answer; after that another one is asked.
    if (received > 0 || statusIn(error) !== undefined) throw error;
    get();
  } finally {
    os.close(fd);
  }
  const found = hashFile(root, draft, alive);
  if (found !== sha512)
    throw new Error(`manifest: expected SHA-512 ${sha512.slice(0, 16)}…, found ${found.slice(0, 16)}…`);
  rename(root, draft, path);
  log("info", "fetched the manifest", { bytes: size });
}
