import { resolve } from "node:path";
import { type BuildOptions, build } from "esbuild";

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

function optionsFor({ entry, define }: Bundle) {
  return {
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
  } as const satisfies BuildOptions;
}

/** One ES module for QuickJS that contains all imports except the built-in modules. */
export async function bundleForQuickJs(bundle: Bundle): Promise<Uint8Array> {
  const result = await build(optionsFor(bundle));
  const [file] = result.outputFiles;
  if (file === undefined)
    throw new Error(`bundling ${bundle.entry}: expected one output file from esbuild, found none`);
  return file.contents;
}

/** The absolute paths of the files that a bundle is made of. */
export async function bundleInputs(bundle: Bundle): Promise<readonly string[]> {
  const { metafile } = await build({ ...optionsFor(bundle), metafile: true });
  return Object.keys(metafile.inputs).map((path) => resolve(path));
}
