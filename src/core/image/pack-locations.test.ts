import assert from "node:assert/strict";
import { test } from "node:test";
import { firstRun, type PlacedContent, placeInPacks } from "./pack-locations.ts";

const name = (digit: string) => digit.repeat(128);
const content = (digit: string, size: number) => ({ sha512: name(digit), size });

test("contents are in the order of their packs; those in none come last, in their own order", () => {
  const locations: { readonly [sha512: string]: { readonly pack: string; readonly offset: number } } = {
    [name("a")]: { pack: "second", offset: 5 },
    [name("b")]: { pack: "first", offset: 9 },
    [name("d")]: { pack: "second", offset: 0 },
  };
  const given = [content("c", 1), content("a", 2), content("b", 3), content("d", 4), content("e", 5)];
  assert.deepEqual(
    placeInPacks(given, (sha512) => locations[sha512]),
    {
      packs: ["second", "first"],
      objects: [
        { ...content("d", 4), pack: 0, offset: 0 },
        { ...content("a", 2), pack: 0, offset: 5 },
        { ...content("b", 3), pack: 1, offset: 9 },
        content("c", 1),
        content("e", 5),
      ],
    },
  );
});

const at = (digit: string, size: number, offset: number, pack = 0): PlacedContent => ({
  ...content(digit, size),
  pack,
  offset,
});
const gap = 256 << 10;

const rows: readonly (readonly [
  title: string,
  given: readonly PlacedContent[],
  run: readonly (readonly [digit: string, skip: number])[],
  to: number,
])[] = [
  [
    "neighbours",
    [at("a", 5, 10), at("b", 5, 15)],
    [
      ["a", 0],
      ["b", 0],
    ],
    20,
  ],
  [
    "a short gap is passed over",
    [at("a", 5, 10), at("b", 5, 15 + gap)],
    [
      ["a", 0],
      ["b", gap],
    ],
    20 + gap,
  ],
  ["a long gap ends it", [at("a", 5, 10), at("b", 5, 16 + gap)], [["a", 0]], 15],
  ["another pack ends it", [at("a", 5, 10), at("b", 5, 15, 1)], [["a", 0]], 15],
  ["a content in no pack ends it", [at("a", 5, 10), content("b", 5)], [["a", 0]], 15],
  ["an order that goes back ends it", [at("a", 5, 10), at("b", 5, 14)], [["a", 0]], 15],
];
for (const [title, given, run, to] of rows)
  test(`one request: ${title}`, () => {
    const found = firstRun(given, ["one", "two"]);
    assert.deepEqual(
      found?.contents.map(({ sha512, skip }) => [sha512[0], skip]),
      run,
    );
    assert.deepEqual([found?.pack, found?.from, found?.to], ["one", 10, to]);
  });

test("without a pack there is no such request, nor with one that is not in the list", () => {
  assert.equal(firstRun([content("a", 1)], ["one"]), undefined);
  assert.equal(firstRun([at("a", 1, 0, 7)], ["one"]), undefined);
  assert.equal(firstRun([], ["one"]), undefined);
});
