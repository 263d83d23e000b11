import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { Command } from "commander";
import { parseDocument } from "yaml";
import { checkConfig } from "../../src/contract/config/parse.ts";
import { formatIpv4 } from "../../src/core/net/ipv4.ts";
import { serverAddresses } from "../../src/core/network/network.ts";
import { simulateCommand } from "../../src/main/simulate/command.ts";
import { configsFor } from "../../src/main/simulate/config.ts";

const root = join(import.meta.dirname, "../..");
const directory = mkdtempSync(join(tmpdir(), "birther-sites-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** The first configuration that a page shows. */
function shownIn(page: string): string {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(join(root, page), "utf8")) ?? [];
  return yaml ?? assert.fail(`${page}: no YAML`);
}

const smallest = shownIn("docs/configuration.md");
let files = 0;
function fileOf(yaml: string): string {
  files += 1;
  const path = join(directory, `${files}.yaml`);
  writeFileSync(path, yaml);
  return path;
}

/** The smallest configuration, with some text replaced. */
function changed(...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((yaml, [from, to]) => {
    assert.ok(yaml.includes(from), from);
    return yaml.replace(from, to);
  }, smallest);
}

const quick = ["--burn-in", "30s", "--image", "200MB"];
const oneRack = ["--racks", "1", "--machines", "4"];

/** What `birther simulate` prints for a site. */
async function simulated(yaml: string, ...options: readonly string[]) {
  const script = join(root, "src/main/cli.ts");
  const argv = ["--disable-warning=ExperimentalWarning", script, "simulate", "--config", fileOf(yaml), ...quick];
  return await promisify(execFile)(process.execPath, [...argv, ...options], { maxBuffer: 1 << 24 });
}

/** The error with which it refuses a site, before anything is simulated. */
async function refusal(yaml: string, ...options: readonly string[]): Promise<string> {
  const program = new Command("birther").exitOverride();
  simulateCommand(program);
  const ran = program.parseAsync(["simulate", "--config", fileOf(yaml), ...quick, ...options], { from: "user" });
  const cause: unknown = await ran.then(
    () => assert.fail("it was simulated"),
    (failed: unknown) => failed,
  );
  if (!(cause instanceof Error)) throw cause;
  const next = "next" in cause ? String(cause.next) : "";
  return `${cause.message}\n${next}`;
}

const plan = `site:
  - { racks: 7-8, units: 0-12/4, switch: 'tor-{rack:2}', port: 'Ethernet{unit}' }
`;
/** SONiC's names: the units of a rack count by four. */
const sonic = changed([
  "port: 'swp(?<unit>\\d+)'",
  "port: 'Ethernet(?<unit>\\d+)'\n      counting: { unit: { first: 0, every: 4 } }",
]);
const roomy = (yaml: string) =>
  yaml.replace("10.77.1.0/24", "10.77.0.0/16").replace("10.77.1.1, gateway", "10.77.99.1, gateway");

describe("configurations that pages show, and others", () => {
  const sites: readonly (readonly [title: string, yaml: string, options: readonly string[], machines: number])[] = [
    ["README", shownIn("README.md"), oneRack, 4],
    ["README, with two servers", shownIn("README.md"), [...oneRack, "--servers", "2"], 4],
    ["docs/configuration.md", smallest, oneRack, 4],
    ["docs/network-profiles.md", shownIn("docs/network-profiles.md"), oneRack, 4],
    ["that of version 0.1.0", readFileSync(join(root, "tests/compat/0.1.0/birther.yaml"), "utf8"), oneRack, 4],
    ["one that lists its slots, which count by four", roomy(sonic + plan), [], 8],
    ["a part of its slots", roomy(sonic + plan), ["--racks", "1", "--machines", "3"], 3],
    ["names with leading zeros", smallest, [...oneRack, "--switch", "tor-{rack:3}", "--port", "swp{unit:2}"], 4],
  ];
  for (const [title, yaml, options, machines] of sites)
    test(title, async () => {
      const { stdout } = await simulated(yaml, ...options);
      assert.match(stdout, new RegExp(`^All ${machines} are healthy and up after`, "m"));
    });
});

describe("sites that cannot be simulated are refused at once, with what to do", () => {
  const refused: readonly (readonly [title: string, yaml: string, options: readonly string[], says: RegExp])[] = [
    [
      "mode listen",
      changed(["nursery: true", "nursery: true\n    mode: listen"]),
      oneRack,
      /network rack: expected mode full, found listen.*\n.*copy of the configuration with mode: full/,
    ],
    [
      "mode proxy",
      changed(["nursery: true", "nursery: true\n    mode: proxy"]),
      oneRack,
      /expected mode full, found proxy: the other DHCP server is not simulated/,
    ],
    [
      "no nursery",
      changed(["nursery: true", "nursery: false"]),
      oneRack,
      /expected one with nursery: true, found none\n.*set nursery: true/,
    ],
    [
      "places by option 82",
      changed(["- switch:", "- source: option82\n      switch:"]),
      oneRack,
      /expected one about LLDP, .* found option82\n.*no `source`/,
    ],
    [
      "names that no rule matches",
      changed(["'swp(", "'Ethernet("]),
      oneRack,
      /rack 1 unit 1 \(tor-1 swp1\): the only placement rule does not match.*\n.*--switch, --port/,
    ],
    [
      "units that count by four",
      sonic,
      oneRack,
      /the only placement rule does not match.*\n.*list the slots in the configuration \(site\), also where units count by more than one/,
    ],
    [
      "more racks than the network has room for",
      smallest,
      ["--racks", "4"],
      /rack 4 unit 1 .* 10\.77\.2\.1 of r04u01 is in no permanent network \(10\.77\.1\.0\/24\)\n.*--racks, --machines/,
    ],
    [
      "more machines than maxMachines",
      `maxMachines: 3\n${smallest}`,
      oneRack,
      /maxMachines: expected at least 4, the machines of the simulation, found 3\n/,
    ],
    ["more racks than the plan", roomy(sonic + plan), ["--racks", "3"], /--racks: expected at most 2, .* found 3\n/],
    [
      "more units than the plan",
      roomy(sonic + plan),
      ["--machines", "5"],
      /--machines: expected at most 4, .* found 5\n.*--machines 4/,
    ],
    [
      "racks of different sizes",
      roomy(`${sonic}${plan}  - { racks: 9, units: 0-20/4, switch: 'tor-{rack:2}', port: 'Ethernet{unit}' }\n`),
      [],
      /equally many units, found 4 and 6\n.*--machines 4/,
    ],
  ];
  for (const [title, yaml, options, says] of refused)
    test(title, async () => assert.match(await refusal(yaml, ...options), says));
});

describe("faults that cannot show are refused", () => {
  const rows: readonly (readonly [title: string, yaml: string, says: RegExp])[] = [
    ["an empty file", "", /the file: expected a list of faults/],
    ["no YAML", "- [", /birther-sites-\S+: .* at line 1/],
    ["an unknown kind", "- { kind: melts, rack: 1, unit: 1 }", /0\.kind: expected one of hangsOnce, .*powerCut/],
    ["another rack", "- { kind: dead, rack: 2, unit: 1 }", /0\.rack: expected at most 1, found 2/],
    ["another unit", "- { kind: dead, rack: 1, unit: 5 }", /0\.unit: expected at most 4, found 5/],
    ["another server", "- { kind: serverDies, server: 2, at: 1m, for: 1m }", /0\.server: expected at most 1, found 2/],
    ["racks beyond", "- { kind: powerCut, racks: [1, 3], at: 1m, for: 1m }", /0\.racks: expected at most 1, found 3/],
  ];
  for (const [title, yaml, says] of rows)
    test(title, async () => {
      const file = join(directory, "faults.yaml");
      writeFileSync(file, yaml);
      assert.match(await refusal(smallest, ...oneRack, "--faults", file), says);
    });
});

test("a disk that is full when the report is written does not lose what is printed", async () => {
  const ran = await simulated(smallest, ...oneRack, "--report", "/dev/full").catch((error: unknown) => error);
  const { code, stdout, stderr } = ran as { code: number; stdout: string; stderr: string };
  assert.equal(code, 1);
  assert.match(stdout, /All 4 are healthy and up/);
  assert.match(stderr, /--report: cannot write \/dev\/full \(ENOSPC\)/);
});

test("a pool that is too small is warned of, and named as what takes longest", async () => {
  const { stdout, stderr } = await simulated(changed(["last: 10.77.0.250", "last: 10.77.0.51"]), ...oneRack);
  assert.match(stderr, /warning: network rack: 4 machines with 2 temporary addresses/);
  assert.match(stdout.replace(/\n/g, " "), /What takes longest: DHCP requests without an answer.*larger temporaryPool/);
});

test("a machine that cannot be born is named with the step that failed, and how many more there are", async () => {
  const yaml = `${smallest}images: [{ image: storage, when: { minDisks: 4 } }]\n`;
  const ran = simulated(yaml, "--racks", "1", "--machines", "60", "--limit", "10m");
  const { code, stdout, stderr } = await ran.then(
    () => assert.fail("all are up"),
    (failed) => failed,
  );
  assert.equal(code, 1);
  assert.match(stderr, /warning: images: expected a last rule without `when`/);
  const report = String(stdout).replace(/\s+/g, " ");
  assert.match(report, /a step failed \(choose the image: the only image rule does not match this machine/);
  assert.match(report, /NOT UP rack 1 unit 1, rack 1 unit 2, .* rack 1 unit 5 and 55 more machines: waits/);
});

test("further servers have addresses that the configuration uses for nothing else", () => {
  const result = checkConfig(parseDocument(shownIn("README.md")).toJS());
  assert.equal(result.kind, "config");
  if (result.kind !== "config") return;
  // The gateway is 10.77.64.2.
  assert.deepEqual(
    configsFor(result.config, 3).map(({ networks }) =>
      networks.flatMap((network) => serverAddresses(network)).map(formatIpv4),
    ),
    [
      ["10.77.0.1", "10.77.64.1"],
      ["10.77.0.2", "10.77.64.3"],
      ["10.77.0.3", "10.77.64.4"],
    ],
  );
});
