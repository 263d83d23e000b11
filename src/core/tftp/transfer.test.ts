import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { negotiate } from "./negotiate.ts";
import type { TftpPacket } from "./packet.ts";
import { startTransfer, stepTransfer, type Transfer, type TransferStep } from "./transfer.ts";

const file = (length: number) => Uint8Array.from({ length }, (_, index) => index & 255);

function start(length: number, options: [string, string][], nowMs = 0): TransferStep {
  return startTransfer(file(length), negotiate(options, length, "octet"), nowMs);
}

const ack = (block: number) => ({ kind: "received", packet: { kind: "ack", block } }) as const;
const again = { kind: "requestedAgain" } as const;
const woken = { kind: "woken" } as const;
const error = (code: number) => ({ kind: "received", packet: { kind: "error", code, message: "" } }) as const;
const data = { kind: "received", packet: { kind: "data", block: 1, bytes: new Uint8Array() } } as const;

/** A step in one line: what is sent, or how it ended. */
function line(step: TransferStep): string {
  const sent = step.send.map((packet) => (packet.kind === "data" ? String(packet.block) : packet.kind)).join(" ");
  return step.kind === "ended" ? `${sent} ${step.end.kind}`.trim() : sent || "-";
}

type Row = readonly [nowMs: number, event: Parameters<typeof stepTransfer>[1], expected: string];
const stories: readonly (readonly [
  title: string,
  length: number,
  options: [string, string][],
  first: string,
  rows: Row[],
])[] = [
  [
    "plain: two blocks",
    700,
    [],
    "1",
    [
      [1, ack(1), "2"],
      [2, ack(2), "sent"],
    ],
  ],
  [
    "plain: the last block is empty",
    512,
    [],
    "1",
    [
      [1, ack(1), "2"],
      [2, ack(2), "sent"],
    ],
  ],
  ["an empty file", 0, [], "1", [[1, ack(1), "sent"]]],
  [
    "options: OACK first, data after ACK 0",
    700,
    [["blksize", "512"]],
    "optionAck",
    [
      [1, ack(0), "1"],
      [2, ack(1), "2"],
    ],
  ],
  ["EDK2's size probe ends quietly (F1)", 700, [["tsize", "0"]], "optionAck", [[1, error(8), "probed"]]],
  [
    "the client aborts",
    700,
    [],
    "1",
    [
      [1, ack(1), "2"],
      [2, error(0), "aborted"],
    ],
  ],
  [
    "no Sorcerer's Apprentice: a second ACK sends nothing",
    2000,
    [],
    "1",
    [
      [1, ack(1), "2"],
      [2, ack(1), "-"],
      [900, ack(1), "-"],
    ],
  ],
  [
    "silence: again after 1, 2, 4, 8 s, then given up",
    700,
    [],
    "1",
    [
      [999, woken, "-"],
      [1000, woken, "1"],
      [3000, woken, "1"],
      [7000, woken, "1"],
      [15000, woken, "1"],
      [23000, woken, "error timedOut"],
    ],
  ],
  [
    "progress resets the back-off",
    2000,
    [],
    "1",
    [
      [1000, woken, "1"],
      [1500, ack(1), "2"],
      [2499, woken, "-"],
      [2500, woken, "2"],
    ],
  ],
  [
    "a lost OACK: the same request again (T10)",
    700,
    [["blksize", "512"]],
    "optionAck",
    [
      [1500, again, "optionAck"],
      [1501, ack(0), "1"],
    ],
  ],
  [
    "a lost first block: the same request again",
    700,
    [],
    "1",
    [
      [5, again, "-"],
      [30, again, "1"],
      [31, ack(1), "2"],
      [32, again, "-"],
    ],
  ],
  [
    "foreign packets change nothing",
    700,
    [],
    "1",
    [
      [1, data, "-"],
      [1, ack(7), "-"],
      [2, { kind: "received", packet: { kind: "malformed", fault: "tooShort" } }, "-"],
      [3, ack(1), "2"],
    ],
  ],
  [
    "data before ACK 0 is not sent, whatever else is acknowledged",
    700,
    [["blksize", "512"]],
    "optionAck",
    [
      [1, ack(1), "-"],
      [2, ack(0), "1"],
    ],
  ],
  [
    "window: four blocks an ACK",
    5000,
    [["windowsize", "4"]],
    "optionAck",
    [
      [1, ack(0), "1 2 3 4"],
      [2, ack(4), "5 6 7 8"],
      [3, ack(8), "9 10"],
      [4, ack(10), "sent"],
    ],
  ],
  [
    "window: a gap is filled once a round trip, however often it is complained of (F3)",
    5000,
    [["windowsize", "4"]],
    "optionAck",
    [
      [1, ack(0), "1 2 3 4"],
      [11, ack(4), "5 6 7 8"],
      [21, ack(5), "-"],
      [21, ack(5), "-"],
      [22, ack(5), "-"],
      [30, woken, "-"],
      [31, woken, "6 7 8 9"],
      [32, ack(5), "-"],
      [33, ack(5), "-"],
      [40, ack(9), "10"],
      [41, ack(10), "sent"],
    ],
  ],
];
for (const [title, length, options, first, rows] of stories)
  test(title, () => {
    let step = start(length, options);
    assert.equal(line(step), first);
    for (const [nowMs, event, expected] of rows) {
      if (step.kind === "ended") assert.fail("ended too early");
      step = stepTransfer(step.transfer, event, nowMs);
      assert.equal(line(step), expected, `at ${nowMs} ms`);
    }
  });

test("block numbers roll over from 65535 to 0 (F6)", () => {
  let step = start(8 * 70_000, [
    ["blksize", "8"],
    ["windowsize", "32"],
  ]);
  let received = 0;
  const blocks: number[] = [];
  for (let nowMs = 1; step.kind === "going"; nowMs += 1) {
    for (const packet of step.send) if (packet.kind === "data") blocks.push(packet.block);
    received = blocks.length;
    step = stepTransfer(step.transfer, ack(received & 0xffff), nowMs);
  }
  assert.equal(step.end.kind, "sent");
  assert.deepEqual([blocks[65_534], blocks[65_535], blocks[65_536], blocks.length], [65_535, 0, 1, 70_001]);
});

/** A client that behaves as EDK2 does: it acknowledges full windows, and every block that is out of order. */
function edk2(windowBlocks: number) {
  let expected = 1;
  let sinceAck = 0;
  const pieces: Uint8Array[] = [];
  return {
    pieces,
    receive: (packet: TftpPacket, blockBytes: number): number | undefined => {
      if (packet.kind === "optionAck") return 0;
      if (packet.kind !== "data") return undefined;
      if (packet.block !== expected) return expected - 1;
      pieces.push(packet.bytes);
      expected += 1;
      sinceAck += 1;
      if (sinceAck < windowBlocks && packet.bytes.length === blockBytes) return undefined;
      sinceAck = 0;
      return expected - 1;
    },
  };
}

/** Runs a transfer over a wire that loses packets; returns how many blocks were sent. */
function overLossyWire(
  length: number,
  windowBlocks: number,
  lost: () => boolean,
): { received: Uint8Array; blocksSent: number } {
  const client = edk2(windowBlocks);
  let nowMs = 0;
  let step = start(length, [
    ["blksize", "512"],
    ["windowsize", String(windowBlocks)],
  ]);
  let blocksSent = 0;
  let toServer: number[] = [];
  for (let rounds = 0; step.kind === "going" && rounds < 100_000; rounds += 1) {
    const wire: TftpPacket[] = [...step.send];
    blocksSent += wire.length;
    for (const packet of wire) {
      const answer = lost() ? undefined : client.receive(packet, 512);
      if (answer !== undefined && !lost()) toServer.push(answer);
    }
    const [next, ...rest] = toServer;
    toServer = rest;
    const going: Transfer = step.transfer;
    nowMs = next === undefined ? Math.max(nowMs, going.wakeAtMs) : nowMs + 1;
    step = stepTransfer(going, next === undefined ? woken : ack(next), nowMs);
  }
  assert.equal(step.kind, "ended");
  return { received: Uint8Array.from(client.pieces.flatMap((piece) => [...piece])), blocksSent };
}

/** Loses about three packets of a hundred, the same ones for the same seed. */
function losing(seed: number): () => boolean {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 < 0.03;
  };
}

test("a wire that loses packets delivers the file whole, without multiplying the traffic", () => {
  const generated = fc.tuple(fc.nat(60_000), fc.integer({ min: 1, max: 16 }), fc.nat(0xffffffff));
  fc.assert(
    fc.property(generated, ([length, windowBlocks, seed]) => {
      const { received, blocksSent } = overLossyWire(length, windowBlocks, losing(seed));
      assert.deepEqual(received, file(length));
      assert.ok(blocksSent <= 10 + windowBlocks * 4 + 3 * (length / 512), `${blocksSent} blocks for ${length} bytes`);
    }),
    { numRuns: 200 },
  );
});
