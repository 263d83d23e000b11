import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ageQuantile, newAgeSketch, noteAge } from "../fleet/age-sketch.ts";
import { RecordTally } from "../fleet/record-counts.ts";
import { summarise } from "../fleet/summary.ts";
import type { Hardware } from "../hardware/hardware.ts";
import { defaultDeadlineSeconds } from "../machine/health/deadlines.ts";
import type { Machine, MachineId } from "../machine/record.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { ip, macOf } from "../net/testing/addresses.ts";
import { ansibleInventory } from "./ansible-inventory.ts";
import { writeCsv } from "./csv.ts";
import { dominatorMdbText, dominatorRow } from "./dominator-mdb.ts";
import { newHistogram, observe, writeExposition } from "./exposition.ts";
import { fleetMetrics } from "./fleet-metrics.ts";
import { locationPath } from "./location-path.ts";
import { netboxCsv, netboxTables } from "./netbox.ts";

const mac = macOf("02:00:00:00:00:01");
const position = { dc: "dc1", row: "2", rack: "7", unit: "03" };
const healthy = testMachine("healthy", {
  id: "m-020000000001" as MachineId,
  ...{ revision: 4, macs: [mac], phase: "up", phaseAtMs: 90_000 },
  ...{ hostname: "r07u03", permanentAddress: ip("10.77.1.3"), requiredImage: "compute/2026-08-01" },
  placement: { switchName: "tor-7", port: "swp3", position, hostname: "r07u03", address: ip("10.77.1.3") },
  smbios: { vendor: "ACME, Inc.", product: 'Node "9"', serial: "S1", uuid: "u" },
});
const bare = { macs: [mac], phaseAtMs: 90_000 };
const born = testMachine("birth", { ...bare, id: "m-020000000002" as MachineId, phase: "burnIn" });

test("a location is the position without what lies within the rack; numbers say what they count", () => {
  assert.equal(locationPath(healthy), "dc1/row2/rack7");
  assert.equal(locationPath(born), undefined);
});

describe("the Dominator's MDB", () => {
  test("a healthy machine, by the Dominator's own keys", () => {
    assert.deepEqual(dominatorRow(healthy), {
      Hostname: "r07u03",
      IpAddress: "10.77.1.3",
      Location: "dc1/row2/rack7",
      RequiredImage: "compute/2026-08-01",
      Tags: { BirtherId: "m-020000000001", BirtherState: "healthy" },
    });
  });

  const without: [title: string, machine: Machine][] = [
    ["a machine that is being born", born],
    ...(["unknown", "birth", "rebirth", "clean"] as const).map((state): [string, Machine] => [
      `a machine in state ${state}, though it has a name`,
      testMachine(state, { hostname: "r07u03" }),
    ]),
    ["a retired one", { ...healthy, conditions: [{ kind: "retired", reason: "sold", sinceMs: 0 }] }],
  ];
  for (const [title, machine] of without)
    test(`no row for ${title}`, () => assert.equal(dominatorRow(machine), undefined));

  test("a machine on hold gets no updates", () => {
    const held: Machine = { ...healthy, conditions: [{ kind: "hold", reason: "disk is looked at", sinceMs: 0 }] };
    assert.equal(dominatorRow(held)?.DisableUpdates, true);
  });

  test("what operators set: planned image, owners, tags but for those that mdbd takes for fields", () => {
    const details = { plannedImage: "compute/2", disableUpdates: true, groups: ["web"] } as const;
    const row = dominatorRow({ ...healthy, ...details, tags: { tier: "1", RequiredImage: "other" } });
    assert.deepEqual(
      [row?.PlannedImage, row?.DisableUpdates, row?.OwnerGroups, row?.RequiredImage],
      ["compute/2", true, ["web"], "compute/2026-08-01"],
    );
    assert.deepEqual(row?.Tags, { tier: "1", BirtherId: healthy.id, BirtherState: "healthy" });
  });

  test("the file is an array with one row per line, even if it is empty", () => {
    assert.deepEqual(JSON.parse([...dominatorMdbText([])].join("")), []);
    const text = [...dominatorMdbText(['{"Hostname":"a"}', '{"Hostname":"b"}'])].join("");
    assert.deepEqual(JSON.parse(text), [{ Hostname: "a" }, { Hostname: "b" }]);
    assert.equal(text.trimEnd().split("\n").length, 4);
  });
});

test("Ansible's inventory: groups that Ansible takes for names, facts of each host, only machines that have a name", () => {
  const conditions = [{ kind: "failing", reason: "fan", sinceMs: 0 }] as const;
  const failing: Machine = { ...healthy, conditions, tags: { tier: "front end" }, groups: ["web"] };
  const retired: Machine = { ...healthy, conditions: [{ kind: "retired", reason: "sold", sinceMs: 0 }] };
  const text = [...ansibleInventory([failing, born, { ...retired, hostname: "gone" }])].join("");
  const inventory = JSON.parse(text);
  assert.deepEqual(Object.keys(inventory._meta.hostvars), ["r07u03"]);
  assert.equal(inventory._meta.hostvars.r07u03?.ansible_host, "10.77.1.3");
  assert.deepEqual(inventory._meta.hostvars.r07u03?.birther_switch_port, { __ansible_unsafe: "swp3" });
  const groups = Object.keys(inventory).filter((name) => name !== "_meta" && name !== "all");
  assert.deepEqual(groups, [
    "condition_failing",
    "image_compute_2026_08_01",
    "location_dc1_row2_rack7",
    "owner_web",
    "rack_7",
    "state_healthy",
    "tag_tier_front_end",
  ]);
  assert.deepEqual(inventory.all, { children: [...groups, "ungrouped"] });
  for (const name of groups) assert.deepEqual(inventory[name], { hosts: ["r07u03"] }, name);
});

describe("NetBox", () => {
  const site = { site: "main", role: "server", macColumn: false };
  const lines = (csv: Iterable<string>) => [...csv].join("").trimEnd().split("\r\n");

  test("devices: racked machines with position and face, others without", () => {
    assert.deepEqual(lines(netboxCsv("devices", [{ ...healthy, tags: { tier: "1" }, groups: ["web"] }, born], site)), [
      "name,role,manufacturer,device_type,serial,status,site,rack,position,face,tags",
      'r07u03,server,"ACME, Inc.","Node ""9""",S1,active,main,7,3,front,"tier-1,web"',
      "m-020000000002,server,Unknown,Unknown,,staged,main,,,,",
    ]);
  });

  test("interfaces and MAC addresses, in both of NetBox's formats", () => {
    const nic = { name: "eth0", mac, driver: "virtio_net", speedMbps: 10_000, carrier: true, path: "" };
    const hardware: Hardware = {
      ...{ cpus: 1, cpuModel: "", memoryMiB: 1, disks: [], nics: [nic], secureBoot: false, tpm: false, watchdog: "" },
      firmware: "bios",
      smbios: { vendor: "", product: "", serial: "", uuid: "" },
    };
    const scanned: Machine = { ...healthy, hardware };
    const interfaces = (macColumn: boolean) => lines(netboxCsv("interfaces", [scanned, born], { ...site, macColumn }));
    assert.deepEqual(interfaces(false), [
      "device,name,type,speed,enabled,description",
      "r07u03,eth0,other,10000000,true,virtio_net",
      "m-020000000002,nic0,other,,true,",
    ]);
    assert.equal(interfaces(true)[1], "r07u03,eth0,other,10000000,true,virtio_net,02:00:00:00:00:01");
    assert.deepEqual(lines(netboxCsv("mac-addresses", [scanned], site)), [
      "mac_address,device,interface",
      "02:00:00:00:00:01,r07u03,eth0",
    ]);
  });

  test("everything that devices refer to is in earlier tables, once", () => {
    const twice = [healthy, { ...healthy, id: "m-3" as MachineId, hostname: "r07u04" }, born];
    assert.deepEqual(lines(netboxCsv("manufacturers", twice, site)), [
      "name,slug",
      '"ACME, Inc.",acme-inc',
      "Unknown,unknown",
    ]);
    assert.equal(lines(netboxCsv("device-types", twice, site)).length, 3);
    assert.deepEqual(lines(netboxCsv("racks", twice, site)), [
      "site,name,status,width,u_height",
      "main,7,active,19,42",
    ]);
  });

  test("every row has as many fields as there are columns", () => {
    for (const table of netboxTables) {
      const [header = "", ...rows] = lines(netboxCsv(table, [testMachine("birth", bare), born], site));
      for (const row of rows) assert.equal(row.split(",").length, header.split(",").length, `${table}: ${row}`);
    }
  });
});

test("CSV: fields are quoted where a reader would misread them", () => {
  const rows = [
    ['x"y', 1],
    [" z", "p\nq"],
  ];
  assert.equal([...writeCsv(["a", "b"], rows)].join(""), 'a,b\r\n"x""y",1\r\n" z",p\ufffdq\r\n');
});

for (const formula of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]) {
  test(`CSV: ${JSON.stringify(formula)} is no formula`, () => {
    const [, row = ""] = [...writeCsv(["a"], [[formula]])];
    assert.match(row, /^"?'/);
  });
}

test("CSV: a number is a number", () => assert.equal([...writeCsv(["a"], [[-1]])][1], "-1\r\n"));

describe("metrics", () => {
  test("the text format: help, type, labels escaped, cumulative buckets; nothing for a family without samples", () => {
    const histogram = newHistogram([0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) observe(histogram, value);
    const text = writeExposition([
      { name: "a_total", help: "Counts\nwhat \\ is", kind: "counter", samples: [{ value: 2 }] },
      { name: "b", help: "B.", kind: "gauge", samples: [{ labels: { why: 'a "b"\n\\' }, value: 0.5 }] },
      { name: "none", help: "None.", kind: "gauge", samples: [] },
      { name: "c_seconds", help: "C.", kind: "histogram", histogram },
    ]);
    assert.equal(
      text,
      [
        ...["# HELP a_total Counts\\nwhat \\\\ is", "# TYPE a_total counter", "a_total 2"],
        ...["# HELP b B.", "# TYPE b gauge", 'b{why="a \\"b\\"\ufffd\\\\"} 0.5'],
        ...["# HELP c_seconds C.", "# TYPE c_seconds histogram"],
        ...['c_seconds_bucket{le="0.1"} 2', 'c_seconds_bucket{le="1"} 3', 'c_seconds_bucket{le="+Inf"} 4'],
        ...["c_seconds_sum 7.65", "c_seconds_count 4", ""],
      ].join("\n"),
    );
  });

  test("a sketch of ages: each quantile is at most five percent too high, the largest is exact", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e10 }), { minLength: 1, maxLength: 300 }), (ages) => {
        const sketch = newAgeSketch();
        for (const age of ages) noteAge(sketch, age);
        const sorted = [...ages].sort((a, b) => a - b);
        for (const share of [0.5, 0.95]) {
          const exact = sorted[Math.ceil(share * ages.length) - 1] ?? assert.fail();
          const found = ageQuantile(sketch, share);
          assert.ok(found >= exact * 0.999999 - 1 && found <= exact * 1.051 + 1, `${found} for ${exact}`);
        }
        assert.equal(ageQuantile(sketch, 1), sorted.at(-1));
      }),
      { examples: [[[1]], [[0]]] },
    );
  });

  test("the fleet: states, phases, conditions, time in phase, burn-in", () => {
    const tested: Machine = {
      ...born,
      phaseAtMs: 40_000,
      conditions: [{ kind: "failing", reason: "", sinceMs: 0 }],
      burnIn: {
        verdict: "failed",
        results: [{ test: "disk", subject: "/dev/vda", ok: false, durationMs: 1, figures: {}, fault: "slow" }],
      },
    };
    const records = new RecordTally({ deadlineSeconds: { ...defaultDeadlineSeconds, burnIn: 60 } });
    const fleet = [healthy, tested, { ...tested, phaseAtMs: 70_000 }];
    const text = writeExposition(fleetMetrics(summarise(fleet, { nowMs: 100_000, records }), records.counts()));
    for (const line of [
      'birther_machines{state="healthy",phase="up"} 1',
      'birther_machines{state="birth",phase="burnIn"} 2',
      'birther_machines{state="clean",phase="none"} 0',
      'birther_machines_by_status{status="failing"} 2',
      'birther_machines_by_status{status="held"} 0',
      "birther_failure_causes 1",
      'birther_expected_slots{heard="no"} 0',
      'birther_machines_with_condition{condition="failing"} 2',
      'birther_machines_with_condition{condition="hold"} 0',
      'birther_phase_age_max_seconds{phase="burnIn"} 60',
      'birther_machines_by_burn_in{verdict="passed"} 0',
      'birther_machines_above_deadline{phase="burnIn"} 1',
      'birther_machines_above_deadline{phase="placed"} 0',
      'birther_phase_age_median_seconds{phase="up"} 10',
      'birther_machines_by_burn_in{verdict="failed"} 2',
      'birther_burn_in_tests{test="disk",result="failed"} 2',
    ])
      assert.ok(text.includes(`${line}\n`), `${line}\nis not in\n${text}`);
  });
});
