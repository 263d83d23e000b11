import { createHash } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Log } from "../../core/ports.ts";
import type { PageFile, Pages } from "../../mdb/operator-api/pages.ts";

const entry = join(import.meta.dirname, "../../dashboard/main.tsx");
const styles = join(import.meta.dirname, "../../dashboard/style/style.css");

/**
 * The dashboard, bundled in memory at the first request for it (docs/decisions/dashboard.md). After a failure the next
 * request tries again.
 */
export function dashboardPages(log: Log): () => Promise<Pages> {
  let bundled: Promise<Pages> | undefined;
  return () => {
    bundled ??= bundle().catch((cause: unknown) => {
      bundled = undefined;
      log("error", "bundling the dashboard failed", { cause });
      throw cause;
    });
    return bundled;
  };
}

/** Bundles the dashboard: one script, one style sheet, each under the hash of its content, and the page. */
export async function bundle(): Promise<Pages> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [entry, styles],
    ...{ outdir: "/", bundle: true, write: false, minify: true, format: "esm", platform: "browser", target: "es2022" },
    ...{ jsx: "automatic", jsxImportSource: "preact", charset: "utf8", legalComments: "none", logLevel: "silent" },
  });
  const bytesOf = (ending: string) => {
    const file = outputFiles.find(({ path }) => path.endsWith(ending));
    if (file === undefined) throw new Error(`bundling the dashboard: expected a file ${ending}, found none`);
    return Buffer.from(file.contents);
  };
  const files = new Map<string, PageFile>();
  const add = async (ending: string, type: string) => {
    const bytes = bytesOf(ending);
    const path = `/assets/${hashOf(bytes)}${ending}`;
    files.set(path, await fileOf(bytes, type, { "cache-control": "public, max-age=31536000, immutable" }));
    return path;
  };
  const script = await add(".js", "text/javascript; charset=utf-8");
  const style = await add(".css", "text/css; charset=utf-8");
  const page = Buffer.from(pageText(script, style));
  const headers = { "cache-control": "no-cache", etag: `"${hashOf(page)}"` };
  return { page: await fileOf(page, "text/html; charset=utf-8", headers), files };
}

function pageText(script: string, style: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Birther</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${style}">
<script type="module" src="${script}"></script>
</head><body><div id="app"></div><noscript>The dashboard needs JavaScript; the birther command shows the same.</noscript></body></html>
`;
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64url").slice(0, 16);
}

async function fileOf(bytes: Buffer, type: string, headers: PageFile["headers"]): Promise<PageFile> {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  const [br, gzipped] = await Promise.all([promisify(brotliCompress)(bytes, quality), promisify(gzip)(bytes)]);
  return { type, headers, bytes: new Uint8Array(bytes), br: new Uint8Array(br), gzip: new Uint8Array(gzipped) };
}
