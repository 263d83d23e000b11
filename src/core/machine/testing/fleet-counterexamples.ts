/** What operators do to a machine. */
export const operators = [
  "rebirth",
  "rebirthMoved",
  "clean",
  "cancel",
  "hold",
  "release",
  "retire",
  "revive",
  "takeover",
  "announce",
  "giveNic",
] as const;
export type Operator = (typeof operators)[number];

/** One thing that happens to a fleet, as fleet-properties.test.ts plays it. */
export type Action =
  | { readonly do: "boot"; readonly chassis: number; readonly nic: number; readonly nursery: boolean }
  | { readonly do: "go"; readonly chassis: number; readonly stages: number }
  | { readonly do: "poll"; readonly chassis: number; readonly fromBirth?: boolean }
  | { readonly do: "moveNic"; readonly from: number; readonly to: number; readonly nic: number }
  | { readonly do: "newBoard"; readonly chassis: number; readonly nic: number }
  | { readonly do: "later"; readonly minutes: number }
  /** The watch and the policy look at all machines. */
  | { readonly do: "patrol" }
  | { readonly do: "moveSlot"; readonly chassis: number; readonly unit: number }
  | { readonly do: Operator; readonly machine: number; readonly other: number };

/**
 * Sequences that broke a property once, shrunk: found in the code, or by taking a rule out of it. Played first in each run.
 * Cabling, then what happens, in the words of fleet-properties.test.ts. A new counterexample is added here with its mending.
 */
export const kept: [cabling: number[][], actions: Action[]][] = [
  // Without the scan's refusal of another machine's NIC: a second record was born beside the first and took its NIC along.
  [
    [[0], [0], [0, 1]],
    [
      ...boots(2, 1),
      ...boots(2, 0),
      { do: "moveSlot", chassis: 2, unit: 1 },
      ...boots(0, 0),
      { do: "rebirth", machine: 0, other: 0 },
      ...boots(0, 0),
      ...boots(2, 1),
      ...boots(0, 0),
    ],
  ],
  // A machine that was retired and released lost its record to a newcomer with which it shares a NIC, and began again at generation 1.
  [
    [[0, 1], [1, 2], [0]],
    [
      ...boots(0, 0),
      { do: "retire", machine: 0, other: 0 },
      { do: "revive", machine: 0, other: 0 },
      ...boots(1, 1),
      ...boots(0, 0),
      { do: "rebirth", machine: 0, other: 0 },
      ...boots(0, 0),
      ...boots(0, 0),
    ],
  ],
  // The property's own fault: a cancelled rebirth took back the word about a disk that an earlier rebirth had let go, and
  // whose machine had since been installed elsewhere, by the NIC that the two have in common.
  [
    [[0, 1], [2], [2]],
    [
      ...boots(2, 0),
      { do: "rebirthMoved", machine: 0, other: 0 },
      { do: "newBoard", chassis: 2, nic: 0 },
      ...boots(1, 0),
      { do: "rebirth", machine: 0, other: 0 },
      { do: "cancel", machine: 0, other: 0 },
      { do: "newBoard", chassis: 0, nic: 0 },
      { do: "boot", chassis: 0, nic: 0, nursery: true },
      ...boots(2, 0),
    ],
  ],
  // The property's own fault: a chassis whose disk is of an earlier generation resumed by the NIC that it shares with the
  // chassis of the latest one; init looks for the root disk on record and finds none there.
  [
    [[0], [0], [0]],
    [
      ...boots(1, 0),
      { do: "go", chassis: 1, stages: 1 },
      { do: "rebirthMoved", machine: 0, other: 0 },
      ...boots(0, 0),
      { do: "go", chassis: 0, stages: 1 },
      ...boots(1, 0),
      { do: "newBoard", chassis: 1, nic: 1 },
      { do: "cancel", machine: 0, other: 0 },
      ...boots(1, 0),
      ...boots(0, 0),
    ],
  ],
  // A healthy machine's second NIC could be given to an announced one: the machine booted by it in another slot, and was born anew.
  [
    [[0], [2, 0], [0]],
    [
      ...boots(1, 0),
      { do: "rebirthMoved", machine: 0, other: 0 },
      { do: "announce", machine: 0, other: 1 },
      ...boots(0, 0),
      { do: "giveNic", machine: 1, other: 0 },
      { do: "moveSlot", chassis: 0, unit: 2 },
      ...boots(0, 0),
    ],
  ],
];

function boots(chassis: number, nic: number): Action[] {
  return [
    { do: "boot", chassis, nic, nursery: true },
    { do: "go", chassis, stages: 4 },
    { do: "poll", chassis },
  ];
}
