import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Command } from "commander";
import { parse } from "yaml";
import { birtherProgram } from "../../src/main/program.ts";
import { badNightOfSuite } from "../support/bad-night.ts";
import { birther } from "./birther-command.ts";

/** Each verb below a command with its words. */
function* verbs(command: Command, words: readonly string[] = []): Generator<{ words: string[]; command: Command }> {
  for (const each of command.commands) {
    yield { words: [...words, each.name()], command: each };
    yield* verbs(each, [...words, each.name()]);
  }
}

/** What a verb needs beside the option that is tried. */
const needed: { readonly [verb: string]: readonly string[] } = {
  set: ["tag.a=b"],
  hold: ["--reason", "test"],
  log: ["r01u01"],
  plan: ["--config", "none.yaml"],
  "plan try": ["--config", "none.yaml"],
};

/** Wrong values of options that the verbs share, and what the message says of them. */
const wrong: readonly (readonly [option: string, value: string, message: RegExp])[] = [
  ["--where", "rak=17", /expected one of the fields id, .*, found rak; rack is similar\n.*docs\/operating\.md/],
  ["--labels", "=", /expected key=value/],
  ["--limit", "some", /--limit: expected a number of \w+ from 1 to 9999999, found some/],
  ["--limit", "0", /--limit: expected .*, found 0/],
  ["--sort", "colour", /--sort: expected one of \w+, .*, found colour/],
  ["--group-by", "colour", /--group-by: expected one of name, .*, found colour/],
  ["--fields", "hostname,colour", /expected some of id, revision/],
  ["--output", "xml", /'xml' is invalid. Allowed choices are table, .*json, yaml/],
  ["--boot", "last", /--boot: expected a number such as 0/],
];

/** A list without what depends on the moment of the request: which machine of a rack is the slowest, and whether the rack lags. */
function steady(list: object): unknown {
  const atMoment = ["slowest", "lags", "progress"];
  return JSON.parse(JSON.stringify(list, (key, value) => (atMoment.includes(key) ? undefined : value)));
}

describe("command lines that are wrong, and lists for programs", () => {
  const state = badNightOfSuite();
  const at = (words: readonly string[], command: Command) => [
    ...words,
    ...(command.options.some(({ long }) => long === "--state") ? ["--state", state] : []),
  ];

  for (const [option, value, message] of wrong)
    test(`${option} ${value}: every verb that takes it exits with 2 and says what it expects`, async () => {
      let tried = 0;
      for (const { words, command } of verbs(birtherProgram())) {
        const taken = command.options.find(({ long }) => long === option);
        // The limit of a simulation is a time. Two verbs are enough for -o, whose choices program.test.ts compares.
        if (taken === undefined || (option === "--limit" && words[0] === "simulate")) continue;
        if (option === "--output" && words[0] !== "machines" && words[0] !== "show") continue;
        const verb = words.join(" ");
        const since = verb === "events" ? ["--since", "1h"] : [];
        const run = await birther(...at(words, command), ...since, ...(needed[verb] ?? []), option, value);
        assert.deepEqual(
          [run.status, run.out, message.test(run.err)],
          [2, "", true],
          `${verb}: ${run.status} ${run.err}`,
        );
        tried += 1;
      }
      assert.ok(tried > 0);
    });

  test("--since: a time that is none is refused before a server is asked", async () => {
    for (const words of [["events"], ["erasures", "list"], ["log", "r01u01"]]) {
      const { status, err } = await birther(...words, "--since", "yesterday", "--state", "/nowhere");
      assert.deepEqual([status, /--since: expected an age such as 15m/.test(err)], [2, true], err);
    }
  });

  test("JSON and YAML of a list are the same, CSV begins with its header, and names are one a line", async () => {
    const lists = [["racks"], ["failures"], ["burnin"], ["machines", "-w", "rack=17"], ["slot", "17/4"], ["audit"]];
    for (const words of [...lists, ["networks"], ["image", "list"], ["tokens", "list"], ["erasures"], ["quirks"]]) {
      const asked = async (format: string) => (await birther(...words, "-o", format, "--state", state)).out;
      const [json = "", yaml = "", csv = ""] = await Promise.all(["json", "yaml", "csv"].map(asked));
      const value = JSON.parse(json);
      assert.deepEqual(steady(parse(yaml)), steady(value), words.join(" "));
      const rows: unknown[] = Array.isArray(value) ? value : value.racks;
      const lines = csv.split("\r\n");
      assert.equal(lines.pop(), "");
      assert.equal(lines.length, rows.length + 1, `${words.join(" ")}: a header and a line for each`);
      assert.match(lines[0] ?? "", /^[a-zA-Z0-9]+(,[a-zA-Z0-9]+)+$/);
      assert.ok(!/\[object|undefined|(^|,)-(,|$)/m.test(csv), csv.slice(0, 2000));
    }
    const names = (await birther("racks", "-o", "name", "--state", state)).out.trimEnd().split("\n");
    assert.deepEqual([names.length, names[0], names.at(-1)], [100, "1", "100"]);
  });

  test("keys that are not printed still sort, group and name the machines", async () => {
    const asked = ["machines", "-w", "rack in (9,17)", "-f", "state", "--state", state];
    const csv = (await birther(...asked, "--sort=-rack", "-n", "1", "-o", "csv")).out;
    assert.match(csv, /^id,state\r\nm-0200000010\w\w,\w+\r\n$/);
    const json = JSON.parse((await birther(...asked, "--sort", "condition", "-n", "1", "-o", "json")).out);
    assert.deepEqual(json.map(Object.keys), [["id", "state"]]);
    assert.match((await birther(...asked, "-o", "name")).out, /^r09u01\n/);
    assert.match(
      (await birther(...asked, "--group-by", "rack", "-o", "csv")).out,
      /^machines,rack\r\n40,9\r\n40,17\r\n$/,
    );
  });
});
