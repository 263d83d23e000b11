import { build } from "esbuild";

/** The language version of the types in src/init/tsconfig.json; QuickJS knows ES2023. */
const target = "es2020";
/** Modules built into the native program. */
const builtIn = ["std", "os", "host"];

export type Bundle = {
  /** Entry file, a TypeScript module. */
  readonly entry: string;
  /** Names replaced by JSON values while bundling, e.g. the time of the build. */
  readonly define?: { readonly [name: string]: string };
};

/** One ES module for QuickJS that contains all imports except the built-in modules. */
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
  if (file === undefined) throw new Error(`bundling ${entry}: expected one output file from esbuild, found none`);
  return file.contents;
}
