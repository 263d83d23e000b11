import assert from "node:assert/strict";
import { test } from "node:test";
import { phases } from "../../core/machine/phase.ts";
import { duration, fit, type MachineRow, type Picture, phaseText, pictureLines, rowsOf } from "./view.ts";

const row = (given: Partial<MachineRow> = {}): MachineRow => ({
  ...{ name: "r01u01", firmware: "bios", state: "healthy", phase: "fetching", phaseSeconds: 12.7 },
  ...{ latest: "1200 of 8000 objects", mood: "working" },
  ...given,
});
const picture = (rows: readonly MachineRow[], footer: readonly string[] = []): Picture => ({
  title: "Birthing",
  seconds: 192,
  rows,
  footer,
});
const screen = { columns: 80, lines: 24, color: false };

test("a machine has a bar of its phases and, below it, its current activity", () => {
  assert.deepEqual(pictureLines(picture([row()]), screen), [
    `${"Birthing".padEnd(67)}  3 min 12 s`,
    "",
    "  r01u01       bios  healthy   ━━━━━━━━━━━╌╌╌ fetching image  12 s",
    "               1200 of 8000 objects",
  ]);
});

test("an unknown machine waits for its firmware", () => {
  const waiting = row({ name: "machine-1", state: "", phase: undefined, latest: "" });
  assert.equal(
    pictureLines(picture([waiting]), screen)[2],
    `  machine-1    bios            ${"╌".repeat(14)} waiting for its firmware  12 s`,
  );
});

test("no line is wider than the terminal, at any phase, size or text", () => {
  const long = "a reason that goes on and on \x1b[2J with\nnewlines ".repeat(9);
  for (const columns of [40, 60, 80, 200]) {
    for (const phase of phases) {
      const rows = [row({ phase, phaseSeconds: 4000, latest: long, mood: "failing", name: "a-very-long-hostname" })];
      for (const line of pictureLines(picture(rows, [long]), { columns, lines: 24, color: false })) {
        assert.ok([...line].length < columns, `${columns} columns: ${line}`);
        assert.ok(!line.includes("\n") && !line.includes("\x1b"));
      }
    }
  }
});

test("every phase's text and time fit beside the bar at 80 columns", () => {
  for (const phase of phases) {
    const [, , line = ""] = pictureLines(picture([row({ phase, phaseSeconds: 3599 })]), screen);
    assert.ok(line.includes(`${phaseText[phase]}  59 min 59 s`), line);
  }
});

test("a rack too large for two lines per machine uses one, and counts the machines that do not fit", () => {
  const many = (count: number) => Array.from({ length: count }, () => row());
  assert.equal(pictureLines(picture(many(10)), screen).length, 2 + 20);
  assert.equal(pictureLines(picture(many(12)), screen).length, 2 + 12);
  const lines = pictureLines(picture(many(100), ["try this"]), screen);
  assert.ok(lines.length < screen.lines);
  assert.deepEqual(lines.slice(-3), [`  … and ${100 - (lines.length - 5)} more`, "", "try this"]);
});

test("times and texts keep to their columns", () => {
  assert.deepEqual(
    [duration(0), duration(59.9), duration(61), duration(3600)],
    ["0 s", "59 s", "1 min 01 s", "60 min 00 s"],
  );
  assert.deepEqual([fit("abc", 5), fit("abcdef", 4), fit("abc", 0)], ["abc  ", "abc…", ""]);
});

test("a link below the table is not cut, and the rows that it takes are counted", () => {
  const link = `https://127.0.0.1:8443/login#${"0a".repeat(32)}`;
  const lines = pictureLines(picture([row()], ["The dashboard:", link]), { ...screen, columns: 60 });
  assert.deepEqual(lines.slice(-2), ["The dashboard:", link]);
  assert.equal(rowsOf(lines, 60), lines.length + 1);
  assert.equal(rowsOf([`\x1b[1m${"x".repeat(60)}\x1b[0m`, "", "x".repeat(61)], 60), 4);
  const crowd = Array.from({ length: 30 }, (_, n) => row({ name: `r01u${n}` }));
  const full = pictureLines(picture(crowd, ["The dashboard:", link]), { columns: 60, lines: 24, color: true });
  assert.ok(rowsOf(full, 60) < 24, `${rowsOf(full, 60)} rows`);
});
