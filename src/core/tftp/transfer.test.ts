import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../tests/support/runs.ts";
import { placeOfBlock, writeBlockHeader } from "./blocks.ts";
import { negotiate } from "./negotiate.ts";
import { readTftp, type TftpPacket } from "./packet.ts";
import { startTransfer, stepTransfer, type Transfer, type TransferStep } from "./transfer.ts";
import { admitTransfer, clientTransferLimit, type TransferStart, transferLimit } from "./transfer-limits.ts";

const file = (length: number) => Uint8Array.from({ length }, (_, index) => index & 255);

function start(length: number, options: [string, string][], nowMs = 0): TransferStep {
  const terms = negotiate(options, { sizeBytes: length, mode: "octet", mtuBytes: 1500 });
  return startTransfer(file(length), terms, nowMs);
}

/** The packets of a step, in full. */
function packetsOf(step: TransferStep, bytes: Uint8Array, blockBytes: number): TftpPacket[] {
  return step.send.flatMap((what) => {
    if (what.kind !== "blocks") return [what];
    return Array.from({ length: what.last - what.first + 1 }, (_, index) => {
      const { at, length } = placeOfBlock(bytes.length, blockBytes, what.first + index);
      const packet = readTftp(
        Uint8Array.of(...writeBlockHeader(what.first + index), ...bytes.subarray(at, at + length)),
      );
      return packet.kind === "malformed" ? assert.fail("malformed block") : packet;
    });
  });
}

const ack = (block: number) => ({ kind: "received", packet: { kind: "ack", block } }) as const;
const again = { kind: "requestedAgain" } as const;
const woken = { kind: "woken" } as const;
const error = (code: number) => ({ kind: "received", packet: { kind: "error", code, message: "" } }) as const;
const data = { kind: "received", packet: { kind: "data", block: 1, bytes: new Uint8Array() } } as const;

/** A step in one line: what is sent, or how it ended. */
function line(step: TransferStep): string {
  const numbers = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const sent = step.send
    .map((what) => (what.kind === "blocks" ? numbers(what.first, what.last).join(" ") : what.kind))
    .join(" ");
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
      [4, again, "-"],
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
      [21, ack(5), "9"],
      [21, ack(5), "-"],
      [22, ack(5), "-"],
      [40, woken, "-"],
      [41, woken, "6 7 8 9"],
      [42, ack(5), "-"],
      [43, ack(5), "-"],
      [50, ack(9), "10"],
      [51, ack(10), "sent"],
    ],
  ],
  [
    "window: a client that counts its windows from another block gets the block it waits for at once",
    10_000,
    [["windowsize", "4"]],
    "optionAck",
    [
      [1, ack(0), "1 2 3 4"],
      [2, ack(3), "5 6 7"],
      [3, ack(7), "8 9 10 11"],
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
  const whole = file(8 * 70_000);
  let received = 0;
  const blocks: number[] = [];
  for (let nowMs = 1; step.kind === "going"; nowMs += 1) {
    for (const packet of packetsOf(step, whole, 8)) if (packet.kind === "data") blocks.push(packet.block);
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
  const whole = file(length);
  let nowMs = 0;
  let step = start(length, [
    ["blksize", "512"],
    ["windowsize", String(windowBlocks)],
  ]);
  let blocksSent = 0;
  let toServer: number[] = [];
  for (let rounds = 0; step.kind === "going" && rounds < 100_000; rounds += 1) {
    const wire = packetsOf(step, whole, 512);
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
    { numRuns: runs(200) },
  );
});

test("EDK2's ACKs of every block out of order do not multiply a file of 1.7 MB (F3)", () => {
  const bytes = 1_700_000;
  const blockBytes = 1468;
  const client = edk2(4);
  const whole = file(bytes);
  let step = start(bytes, [
    ["blksize", String(blockBytes)],
    ["windowsize", "4"],
  ]);
  // Every hundredth packet is lost; an answer takes a millisecond, and the ACKs of one window all arrive.
  let [nowMs, sent] = [0, 0];
  while (step.kind === "going") {
    const packets = packetsOf(step, whole, blockBytes);
    const answers: number[] = [];
    for (const packet of packets) {
      sent += 1;
      const answer = sent % 100 === 0 ? undefined : client.receive(packet, blockBytes);
      if (answer !== undefined) answers.push(answer);
    }
    nowMs += 1;
    if (answers.length === 0) {
      nowMs = Math.max(nowMs, step.transfer.wakeAtMs);
      step = stepTransfer(step.transfer, woken, nowMs);
    }
    let next: TransferStep = step;
    for (const answer of answers) {
      if (next.kind === "ended") break;
      const before = next;
      next = stepTransfer(before.transfer, ack(answer), nowMs);
      // Packets that an ACK causes are sent before the next ACK is processed.
      if (before !== step && next.kind === "going" && next.send.length === 0) next = { ...next, send: before.send };
    }
    step = next;
  }
  assert.deepEqual(Uint8Array.from(client.pieces.flatMap((piece) => [...piece])), whole);
  assert.ok(sent < 1.1 * (bytes / blockBytes), `${sent} blocks`);
});

test("a client for which everything must be sent again and again is given up", () => {
  let step = start(100_000, [["windowsize", "8"]]);
  let blocks = 0;
  // It acknowledges one block of each window, always the same one.
  for (let nowMs = 0; step.kind === "going" && nowMs < 10_000_000; nowMs += 50) {
    for (const what of step.send) if (what.kind === "blocks") blocks += what.last - what.first + 1;
    step = stepTransfer(step.transfer, ack(0), nowMs);
  }
  assert.equal(step.kind === "ended" && step.end.kind, "wasteful");
  assert.ok(blocks <= 12 * (196 + 64), `${blocks} blocks`);
});

test("a lost block is sent again after four round trips, where one was measured", () => {
  const first = start(5000, [["blksize", "512"]]);
  if (first.kind === "ended") assert.fail("ended");
  const second = stepTransfer(first.transfer, ack(0), 80);
  assert.deepEqual(second.kind === "going" && second.transfer.wakeAtMs, 80 + 320);
  if (second.kind === "ended") assert.fail("ended");
  assert.equal(line(stepTransfer(second.transfer, woken, 400)), "1");
});

/** When the first block is sent again, if the OACK was acknowledged after `roundTripMs`. */
function repeatedAfterMs(roundTripMs: number, options: [string, string][]): number {
  const first = start(5000, options);
  const second = first.kind === "going" ? stepTransfer(first.transfer, ack(0), roundTripMs) : first;
  return second.kind === "going" ? second.transfer.wakeAtMs - roundTripMs : assert.fail("ended");
}

test("repetitions: not sooner than 200 ms, and an acknowledged time-out is kept", () => {
  assert.equal(repeatedAfterMs(5, [["blksize", "512"]]), 200);
  assert.equal(repeatedAfterMs(5, [["timeout", "5"]]), 5000);
  assert.equal(repeatedAfterMs(900, [["blksize", "512"]]), 1000);
});

test("a single quick answer does not shorten the round trip of slow ones", () => {
  let step = start(5000, [["blksize", "512"]]);
  let nowMs = 0;
  for (const [block, waitMs] of [
    [0, 160],
    [1, 160],
    [2, 1],
  ] as const) {
    nowMs += waitMs;
    if (step.kind === "going") step = stepTransfer(step.transfer, ack(block), nowMs);
  }
  assert.equal(step.kind === "going" && Math.round(step.transfer.wakeAtMs - nowMs), 561);
});

const admissions: readonly (readonly [title: string, total: number, ofClient: number, expected: TransferStart])[] = [
  ["the first", 0, 0, "start"],
  ["a hundred racks", 4000, 0, "start"],
  ["a client that begins again and again", 40, clientTransferLimit, "replaceOldest"],
  ["too many", transferLimit, 0, "drop"],
  ["too many, and of one client", transferLimit, clientTransferLimit, "replaceOldest"],
];
for (const [title, total, ofClient, expected] of admissions)
  test(`admission: ${title}`, () => assert.equal(admitTransfer({ total, ofClient }), expected));
