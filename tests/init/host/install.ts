import { registerHooks } from "node:module";

/** The folder whose code runs on QuickJS: only its imports are answered by the fake, since `os` is Node's own name for another thing. */
const initFolder = new URL("../../../src/init/", import.meta.url).href;
const fakes = new Map(
  ["host", "os", "std"].map((name) => [name, new URL(`./modules/${name}.ts`, import.meta.url).href]),
);

// From here on whoever imports from src/init gets the fake host's modules.
registerHooks({
  resolve: (specifier, context, next) => {
    const url = context.parentURL?.startsWith(initFolder) === true ? fakes.get(specifier) : undefined;
    return url === undefined ? next(specifier, context) : { url, format: "module-typescript", shortCircuit: true };
  },
});
