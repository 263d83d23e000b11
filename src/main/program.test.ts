import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "commander";
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
