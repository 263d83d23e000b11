import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "commander";
import { listFormats, valueFormats } from "../cli/output/formats.ts";
import { birtherProgram } from "./program.ts";

/** Verbs that change nothing that belongs to the fleet: they read, print or write a file that their caller names. */
const reading = [
  ...["status", "racks", "failures", "burnin", "machines", "networks", "quirks", "watch", "audit", "tokens list"],
  ...["erasures list", "erasures show", "export ansible", "export dominator", "export metrics", "export netbox"],
  ...["show", "slot", "why", "events", "log", "packets", "report"],
  ...["image info", "image list", "image show", "image diff", "image verify", "image export"],
  ...["config check", "config docs", "config life", "config openapi", "plan", "plan try"],
  ...["authority show", "mdb backup", "completion", "complete"],
];

/** Verbs that act and take no `--reason`, and why. */
const withoutReason: { readonly [verb: string]: string } = {
  serve: "starts the server; what its callers do is in the audit",
  demo: "makes a fleet of its own in a directory of its own",
  simulate: "makes a fleet in memory",
  "lab list": "reads, of a demo",
  ...Object.fromEntries(
    ["console", "power-on", "power-off", "reset", "power-cut", "pause", "resume"].map((verb) => [
      `lab ${verb}`,
      "virtual machines of a demo are in no MDB",
    ]),
  ),
};

/** Each command that does something by itself, by its words. */
function* leaves(command: Command, words: readonly string[] = []): Generator<{ name: string; command: Command }> {
  for (const each of command.commands) {
    const name = [...words, each.name()];
    if (each.commands.length === 0 || isDefault(each)) yield { name: name.join(" "), command: each };
    yield* leaves(each, name);
  }
}

/** A command with verbs below it that also does something without one, such as `plan`. */
function isDefault(command: Command): boolean {
  return Reflect.get(command, "_actionHandler") !== null && Reflect.get(command, "_actionHandler") !== undefined;
}

/** The verbs that list things: with all formats, those whose rows have no names of their own without `-o name`. */
const lists: { readonly [verb: string]: "named" | "nameless" } = {
  racks: "named",
  failures: "nameless",
  burnin: "nameless",
  machines: "named",
  networks: "named",
  quirks: "nameless",
  audit: "nameless",
  events: "nameless",
  log: "nameless",
  packets: "nameless",
  slot: "named",
  plan: "named",
  "erasures list": "named",
  "tokens list": "named",
  "image list": "named",
  "image diff": "named",
  "lab list": "named",
};

/** Lists that are in an order of their own, and why. */
const withoutSort: { readonly [verb: string]: string } = {
  ...Object.fromEntries(
    ["audit", "events", "log", "packets", "erasures list"].map((verb) => [verb, "in order of time"]),
  ),
  slot: "one machine, or those that claim its place",
  plan: "slot by slot, as the site is built",
  "image diff": "path by path",
  "lab list": "as the rack is built",
};

test("each verb that lists can sort and limit its rows, or is named here with the reason why not", () => {
  const found = [...leaves(birtherProgram())]
    .filter(({ name }) => name in lists)
    .map(({ name, command }) => [
      name,
      ["--sort", "--limit"].every((option) => command.options.some(({ long }) => long === option)),
    ]);
  assert.deepEqual(
    Object.fromEntries(found),
    Object.fromEntries(Object.keys(lists).map((name) => [name, !(name in withoutSort)])),
  );
});

/** Verbs that print for no program, or in a form of their own, and why. */
const withoutOutput: { readonly [verb: string]: string } = {
  serve: "logs",
  demo: "shows a screen; --json for programs",
  simulate: "has --json",
  report: "writes an archive",
  completion: "prints a script",
  complete: "prints words for a shell",
  "plan try": "takes the -o of plan",
  "export ansible": "prints what Ansible reads",
  "export dominator": "prints what the Dominator reads",
  "export metrics": "prints what Prometheus reads",
  "export netbox": "prints what NetBox reads",
  "mdb backup": "writes a file",
  "mdb copy": "copies a database",
  "mdb restore": "restores a database",
  "config check": "says that it is good, or what is wrong",
  "config docs": "prints a document",
  "config life": "prints a document",
  "config openapi": "prints JSON",
  ...Object.fromEntries(
    ["show", "add", "switch", "retire"].map((verb) => [`authority ${verb}`, "is done at the server, step by step"]),
  ),
  ...Object.fromEntries(
    ["console", "power-on", "power-off", "reset", "power-cut", "pause", "resume"].map((verb) => [
      `lab ${verb}`,
      "acts on the virtual rack of a demo",
    ]),
  ),
};

test("each verb that lists has all output formats, each other one that prints for programs JSON and YAML", () => {
  const found: { [name: string]: string | undefined } = {};
  const expected: { [name: string]: string | undefined } = {};
  const all = listFormats.join(" ");
  for (const { name, command } of leaves(birtherProgram())) {
    const output = command.options.find(({ long }) => long === "--output");
    found[name] = output && [output.short, output.defaultValue, ...(output.argChoices ?? ["anything"])].join(" ");
    const formats = lists[name] === "named" ? all : lists[name] ? all.replace("name ", "") : valueFormats.join(" ");
    expected[name] = name in withoutOutput ? undefined : `-o table ${formats}`;
  }
  assert.deepEqual(found, expected);
  const gone = [...Object.keys(lists), ...Object.keys(withoutOutput)].filter((name) => !(name in found));
  assert.deepEqual(gone, [], "named here, and no verb any more");
});

test("each verb either changes nothing, or takes --reason, or is named here with the reason why not", () => {
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const { name, command } of leaves(birtherProgram())) {
    seen.add(name);
    const asks = command.options.some(({ long }) => long === "--reason");
    const isNamed = reading.includes(name) || name in withoutReason;
    if (asks === isNamed) wrong.push(`${name}: ${asks ? "takes" : "does not take"} --reason`);
  }
  assert.deepEqual(wrong, []);
  const gone = [...reading, ...Object.keys(withoutReason)].filter((name) => !seen.has(name));
  assert.deepEqual(gone, [], "named here, and no verb any more");
});
