import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { bytesFromHex, hexFromBytes } from "../bytes/text.ts";
import {
  type BootOption,
  planBootEntry,
  readBootOrder,
  readLoadOption,
  writeBootOrder,
  writeLoadOption,
} from "./efi-boot.ts";
import {
  bootOptionNumber,
  bootOptionVariable,
  isDiskKeyVariable,
  lastingVariable,
  variableValue,
} from "./efi-variable.ts";

const partition = { number: 1, firstSector: 2048, sectorCount: 131072, uuid: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" };

/** Written by hand from UEFI 2.10 §3.1.3 and §10.3: attributes and path length, name, HD(), file, end. */
const loadOption = [
  "01000000 6400",
  "42006900720074006800650072000000",
  "04012a00 01000000 0008000000000000 0000020000000000 28732ac11ff8d211ba4b00a0c93ec93b 0202",
  "04043600 5c004500460049005c0062006900720074006800650072005c0067007200750062007800360034002e006500660069000000",
  "7fff0400",
].join("");

test("a load option: HD() in its short form, then the file", () => {
  assert.equal(
    hexFromBytes(writeLoadOption("Birther", partition, "\\EFI\\birther\\grubx64.efi")),
    loadOption.replace(/\s/g, ""),
  );
});

test("a load option beyond two terabytes keeps its 64 bits", () => {
  const option = writeLoadOption("B", { ...partition, firstSector: 2 ** 40 + 5 }, "\\F");
  assert.match(hexFromBytes(option), /^.{20}04012a0001000000050000000001000000000200/);
});

test("load options are read as far as we need", () => {
  const ours = bytesFromHex(loadOption) ?? new Uint8Array();
  assert.deepEqual(readLoadOption(3, ours), { number: 3, name: "Birther", network: false });
  // OVMF's "UEFI PXEv4": PciRoot, Pci, MAC(), IPv4()
  const pxe = bytesFromHex(
    `01000000 5900 5000 5800 4500 0000 02010c00d041030a00000000 010106000003 030b2500 525400123456${"00".repeat(27)} 030c1b00${"00".repeat(23)} 7fff0400`,
  );
  assert.deepEqual(readLoadOption(1, pxe ?? new Uint8Array()), {
    number: 1,
    name: "PXE",
    network: true,
    mac: "52:54:00:12:34:56",
  });
  assert.equal(readLoadOption(1, Uint8Array.of(1, 0, 0, 0)), undefined);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => void readLoadOption(0, bytes)));
});

const disk = (number: number): BootOption => ({ number, name: "disk", network: false });
const pxe = (number: number): BootOption => ({ number, name: "PXE", network: true });
const ours = (number: number): BootOption => ({ number, name: "Birther", network: false });
const orders: readonly {
  title: string;
  order: readonly number[];
  options: readonly BootOption[];
  current?: number;
  plan: ReturnType<typeof planBootEntry>;
}[] = [
  {
    title: "the network entry that was used comes first, then ours",
    order: [0, 1, 2],
    options: [disk(0), pxe(1), pxe(2)],
    current: 2,
    plan: { number: 3, remove: [], order: [2, 3, 0, 1], firstBy: "bootCurrent" },
  },
  {
    title: "a rebirth takes its old entry over and removes copies",
    order: [1, 5, 6, 0],
    options: [disk(0), pxe(1), ours(5), ours(6)],
    current: 1,
    plan: { number: 5, remove: [6], order: [1, 5, 0], firstBy: "bootCurrent" },
  },
  {
    title: "firmware that does not say what it booted: the first network entry",
    order: [0, 1],
    options: [disk(0), pxe(1)],
    plan: { number: 2, remove: [], order: [1, 2, 0], firstBy: "guess" },
  },
  {
    title: "the entry that was used comes first, whatever it is",
    order: [0, 1],
    options: [disk(0), pxe(1)],
    current: 0,
    plan: { number: 2, remove: [], order: [0, 2, 1], firstBy: "bootCurrent" },
  },
  {
    title: "our own entry led here: the first network entry",
    order: [3, 1],
    options: [ours(3), pxe(1)],
    current: 3,
    plan: { number: 3, remove: [], order: [1, 3], firstBy: "guess" },
  },
  {
    title: "no network entry at all",
    order: [4],
    options: [disk(4)],
    plan: { number: 0, remove: [], order: [0, 4], firstBy: "none" },
  },
  {
    title: "an order that names what is not there",
    order: [0],
    options: [],
    plan: { number: 1, remove: [], order: [1, 0], firstBy: "none" },
  },
  { title: "nothing yet", order: [], options: [], plan: { number: 0, remove: [], order: [0], firstBy: "none" } },
];
for (const row of orders) {
  test(`boot order: ${row.title}`, () => {
    assert.deepEqual(planBootEntry({ order: row.order, options: row.options, current: row.current }), row.plan);
  });
}

/** What a firmware of the field leaves; numbers are four hex digits. */
type FieldCase = {
  readonly what: string;
  readonly loadOptions: { readonly [name: string]: string };
  readonly bootOrder: readonly string[];
  readonly bootCurrent: string;
  readonly expectedFirst: string;
};
const fieldCases: readonly FieldCase[] = JSON.parse(
  readFileSync(new URL("../../../tests/captures/field/efi/boot-entries.json", import.meta.url), "utf8"),
);
for (const { what, loadOptions, bootOrder, bootCurrent, expectedFirst } of fieldCases) {
  test(`field case: ${what}: entry ${expectedFirst} first, ours second`, () => {
    const number = (hex: string) => Number.parseInt(hex, 16);
    const options = Object.entries(loadOptions).map(
      ([name, hex]) =>
        readLoadOption(number(name.slice(4)), bytesFromHex(hex) ?? new Uint8Array()) ?? assert.fail(name),
    );
    const plan = planBootEntry({ order: bootOrder.map(number), options, current: number(bootCurrent) });
    assert.deepEqual(plan.order.slice(0, 2), [number(expectedFirst), plan.number]);
    assert.equal(plan.firstBy, `Boot${bootCurrent}` in loadOptions ? "bootCurrent" : "guess");
  });
}

test("a network entry is known by its path, by the BIOS Boot Specification, or by its name", () => {
  const option = (name: string, path: string) => {
    const text = [...name].map((letter) => `${letter.charCodeAt(0).toString(16)}00`).join("");
    const length = (path.length / 2).toString(16).padStart(2, "0");
    return readLoadOption(1, bytesFromHex(`01000000${length}00${text}0000${path}`) ?? new Uint8Array())?.network;
  };
  assert.equal(option("Legacy", "05010900800000000041007fff0400"), true, "BBS, BEV device");
  assert.equal(option("Legacy", "05010900020000000041007fff0400"), false, "BBS, hard disk");
  assert.equal(option("Slot 3 NIC Port 1", "010414004518193a865f784e8fcec4cff59f9daa7fff0400"), true);
  assert.equal(option("UEFI IPv6 Intel", "7fff0400"), true);
  assert.equal(option("Planet disk", "7fff0400"), false);
});

test("BootOrder as bytes", () => {
  assert.deepEqual(writeBootOrder([1, 0x2001]), Uint8Array.of(1, 0, 1, 0x20));
  assert.deepEqual(readBootOrder(Uint8Array.of(1, 0, 1, 0x20, 9)), [1, 0x2001]);
});

test("names and contents of variables", () => {
  assert.equal(bootOptionVariable(0x1a), "Boot001A-8be4df61-93ca-11d2-aa0d-00e098032b8c");
  assert.equal(bootOptionNumber("Boot001A-8be4df61-93ca-11d2-aa0d-00e098032b8c"), 26);
  assert.equal(bootOptionNumber("BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c"), undefined);
  assert.equal(bootOptionNumber("Boot001A-00000000-93ca-11d2-aa0d-00e098032b8c"), undefined);
  assert.ok(isDiskKeyVariable("BirtherDiskKey-6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee01"));
  assert.ok(!isDiskKeyVariable("BirtherDiskKey-8be4df61-93ca-11d2-aa0d-00e098032b8c"));
  assert.deepEqual(lastingVariable(Uint8Array.of(9)), Uint8Array.of(7, 0, 0, 0, 9));
  assert.deepEqual(variableValue(Uint8Array.of(7, 0, 0, 0, 9)), Uint8Array.of(9));
});
