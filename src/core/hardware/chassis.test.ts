import assert from "node:assert/strict";
import { test } from "node:test";
import { readChassisSlot } from "./chassis.ts";

/** A structure of SMBIOS: its type, its formatted area behind the header, its strings. */
function structure(type: number, area: readonly number[], strings: readonly string[]): string {
  const head = String.fromCharCode(type, area.length + 4, 0, 0, ...area);
  return `${head}${strings.length === 0 ? "\0" : strings.map((text) => `${text}\0`).join("")}\0`;
}
/** Baseboard: manufacturer, product, version, serial, asset tag, features, location in chassis. */
const board = (location: number, strings: readonly string[]) =>
  structure(2, [1, 1, 0, 0, 0, 9, location, 0, 0, 10], strings);
const enclosure = (serial: number, strings: readonly string[]) => structure(3, [1, 28, 0, serial, 0], strings);
const bios = structure(0, [1, 2, 0, 0], ["Vendor", "1.0"]);
const end = structure(127, [], []);

test("the location of the board, and the serial number of the enclosure", () => {
  const table = bios + board(2, ["Blade 460", "Bay 7"]) + enclosure(2, ["HPE", "CZ1234"]) + end;
  assert.deepEqual(readChassisSlot(table), { serial: "CZ1234", slot: "Bay 7" });
});

test("most machines have no slot: no location, or a placeholder", () => {
  for (const location of ["Default string", "To be filled by O.E.M.", " "])
    assert.equal(readChassisSlot(board(2, ["X", location]) + end), undefined, location);
  assert.equal(readChassisSlot(board(0, ["X"]) + enclosure(1, ["CZ1"]) + end), undefined);
  assert.deepEqual(readChassisSlot(board(1, ["Slot 3"]) + enclosure(1, ["None"]) + end), {
    serial: "",
    slot: "Slot 3",
  });
});

test("a damaged table ends the reading, and no control character comes through", () => {
  const table = bios + board(2, ["X", "Bay\u001b[2J 7"]) + enclosure(1, ["CZ1"]) + end;
  assert.equal(readChassisSlot(table)?.slot, "Bay [2J 7");
  for (let length = 0; length < table.length; length += 1) readChassisSlot(table.slice(0, length));
  assert.equal(readChassisSlot(String.fromCharCode(2, 0, 0, 0).repeat(100)), undefined);
  // An index beyond the strings, and beyond the structure.
  assert.equal(readChassisSlot(board(9, ["X"]) + end), undefined);
  assert.equal(readChassisSlot(structure(2, [1], ["X"]) + end), undefined);
});
