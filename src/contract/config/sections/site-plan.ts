import * as v from "valibot";
import { leaf, listOf, optional, required } from "../entry.ts";
import { text } from "../values.ts";

/** Numbers of racks or units at most, and the largest number. */
const numberLimit = 10_000;
const largest = 1_000_000;

/** The numbers that a text such as `1-40, 45` or `0-156/4` names; undefined if it names none, or too many. */
export function readNumbers(given: string): readonly number[] | undefined {
  const numbers = new Set<number>();
  for (const part of given.split(",")) {
    const range = /^\s*(\d{1,7})(?:\s*-\s*(\d{1,7})(?:\/(\d{1,4}))?)?\s*$/.exec(part);
    if (range === null) return undefined;
    const [first, last, step] = [Number(range[1]), Number(range[2] ?? range[1]), Number(range[3] ?? 1)];
    if (last < first || last > largest || step === 0) return undefined;
    for (let number = first; number <= last; number += step)
      if (numbers.add(number).size > numberLimit) return undefined;
  }
  return [...numbers];
}

const numbers = leaf(
  "numbers such as 1-40, or 1-40, 45, or 0-156/4 for each fourth",
  v.pipe(
    v.union([v.string(), v.number()]),
    v.transform(String),
    v.maxLength(1000),
    v.check((given) => readNumbers(given) !== undefined),
    v.transform((given) => readNumbers(given) ?? []),
  ),
);

const area = v.strictObject({
  racks: required(numbers, "The numbers of the racks, as the names of their switches have them."),
  units: required(numbers, "The numbers of the units, as the names of the switches' ports have them."),
  switch: required(
    text,
    "Template of the LLDP system name of a rack's switch: `tor-{rack}`, or `tor-{rack:2}` for tor-07.",
  ),
  port: required(text, "Template of the LLDP port name: `swp{unit}`."),
});

/** Where the site expects machines. */
export const site = optional(
  leaf("a list of racks and units", listOf(area)),
  "The slots that machines are expected in. With it, slots that share a name or an address, that no placement rule matches, or " +
    "whose address no machine can have are faults of the configuration; `birther plan` lists all slots, and `birther racks` " +
    "counts those that were never heard from.",
);
