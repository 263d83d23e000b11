import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleName } from "../../core/modules/module-name.ts";
import { aliasFile, dependencyFile, readModule, withDependencies } from "./kernel-modules.ts";

/** An invented kernel: name → its dependencies, and its softdep line. */
const modules = [
  { path: "kernel/net/top-nic.ko", depends: "middle,base-bus", softdep: "pre: hash-a not_there post: never" },
  { path: "kernel/net/middle.ko", depends: "base-bus", softdep: "" },
  { path: "kernel/bus/base-bus.ko", depends: "", softdep: "" },
  { path: "kernel/crypto/hash-a.ko", depends: "part-of-kernel", softdep: "" },
  { path: "kernel/other/unused.ko", depends: "", softdep: "" },
].map(({ path, depends, softdep }) =>
  readModule(path, [
    ["depends", depends],
    ["softdep", softdep],
    ["alias", `pci:${moduleName(path)}*`],
    ["alias", "second"],
    ["firmware", `${moduleName(path)}.bin`],
  ]),
);
const source = {
  read: (name: string) => modules.find((module) => module.name === name),
  builtIn: new Set(["part_of_kernel"]),
};

test("a module is read from its .modinfo lines", () => {
  assert.deepEqual(modules[0], {
    name: "top_nic",
    path: "kernel/net/top-nic.ko",
    dependsOn: ["middle", "base_bus"],
    loadBefore: ["hash_a", "not_there"],
    aliases: ["pci:top_nic*", "second"],
    firmware: ["top_nic.bin"],
  });
});

test("a module's dependencies are included; built-in modules and unknown soft dependencies are not", () => {
  const chosen = withDependencies(["top_nic", "part_of_kernel"], source).map(({ name }) => name);
  assert.deepEqual(chosen, ["base_bus", "hash_a", "middle", "top_nic"]);
});

test("a missing module is named, with the module that needs it", () => {
  assert.throws(() => withDependencies(["gone"], source), /no module gone \(needed by the table of driver families\)/);
});

test("modules.dep lists the module to load first at the end of the line", () => {
  const lines = dependencyFile(withDependencies(["top_nic"], source))
    .trim()
    .split("\n");
  assert.deepEqual(lines, [
    "kernel/bus/base-bus.ko:",
    "kernel/crypto/hash-a.ko:",
    "kernel/net/middle.ko: kernel/bus/base-bus.ko",
    "kernel/net/top-nic.ko: kernel/net/middle.ko kernel/bus/base-bus.ko kernel/crypto/hash-a.ko",
  ]);
});

test("modules.alias holds the aliases of the included modules", () => {
  const chosen = withDependencies(["middle"], source);
  assert.equal(
    aliasFile(chosen),
    "alias pci:base_bus* base_bus\nalias second base_bus\nalias pci:middle* middle\nalias second middle\n",
  );
});
