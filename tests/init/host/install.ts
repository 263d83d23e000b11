import { registerHooks } from "node:module";

/**
 * The folder whose code runs on QuickJS. Only its imports are answered by the fake, because `os` has another meaning in
 * Node.
 */
const initFolder = new URL("../../../src/init/", import.meta.url).href;
const fakes = new Map(
  ["host", "os", "std"].map((name) => [name, new URL(`./modules/${name}.ts`, import.meta.url).href]),
);

// From here on, imports from src/init get the fake host's modules.
registerHooks({
  resolve: (specifier, context, next) => {
    const url = context.parentURL?.startsWith(initFolder) === true ? fakes.get(specifier) : undefined;
    return url === undefined ? next(specifier, context) : { url, format: "module-typescript", shortCircuit: true };
  },
});
