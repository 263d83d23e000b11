import { build } from "esbuild";

/** What QuickJS 2021-03-27 understands. */
const target = "es2020";
/** Modules that the native program brings along. */
const builtIn = ["std", "os", "host"];

export type Bundle = {
  /** Entry file, a TypeScript module. */
  readonly entry: string;
  /** Names that are replaced by JSON values while bundling, e.g. the time of the build. */
  readonly define?: { readonly [name: string]: string };
};

/** One ES module for QuickJS, all its imports but the built-in ones inside. */
export async function bundleForQuickJs({ entry, define }: Bundle): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target,
    external: builtIn,
    // Names and lines stay readable in a stack trace on a console; xz makes up for the white space.
    minify: false,
    treeShaking: true,
    charset: "utf8",
    legalComments: "none",
    define: { ...define },
    logLevel: "silent",
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return file.contents;
}
