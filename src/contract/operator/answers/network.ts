/** The answers about networks, and what clients did on them. */
import * as v from "valibot";
import { localMethodNames } from "../../../core/pxe/local-boot/method-table.ts";
import { count } from "../../bounded-values.ts";
import { pinnedShape } from "../../same.ts";
import type { LessonView, NetworkView, PacketView } from "../views.ts";
import { counts, text, timeMs } from "./values.ts";

const end = v.strictObject({ address: text, port: count });
const packet = pinnedShape<PacketView>()(
  v.strictObject({
    atMs: timeMs,
    direction: v.picklist(["in", "out"]),
    protocol: v.picklist(["dhcp", "tftp"]),
    source: end,
    destination: end,
    kind: text,
    facts: v.array(text),
    bytes: v.pipe(text, v.description("the UDP payload, base64")),
  }),
);

const network = pinnedShape<NetworkView>()(
  v.strictObject({
    name: text,
    interface: v.exactOptional(text),
    nursery: v.boolean(),
    mode: v.picklist(["full", "proxy", "listen"]),
    notServed: v.exactOptional(text),
    foreignDhcp: v.exactOptional(
      v.strictObject({ address: text, mac: v.exactOptional(text), sinceMs: timeMs, lastMs: timeMs }),
    ),
    doubtedArp: v.exactOptional(v.strictObject({ answers: count, mac: text, lastMs: timeMs })),
    pool: v.strictObject({
      first: text,
      last: text,
      size: count,
      held: count,
      exhaustedSinceMs: v.exactOptional(timeMs),
      refused: v.exactOptional(count),
    }),
    declined: v.array(v.strictObject({ address: text, mac: text, untilMs: timeMs })),
    received: count,
    answered: count,
    answers: counts,
    unanswered: counts,
    malformed: counts,
    receiveBufferBytes: count,
  }),
);

const lesson = pinnedShape<LessonView>()(
  v.strictObject({
    vendor: text,
    product: text,
    firmware: text,
    client: text,
    scores: v.record(v.picklist(localMethodNames), v.number()),
    learnedAtMs: timeMs,
    method: text,
  }),
);

export const packetsAnswer = v.strictObject({ packets: v.array(packet) });
export const networksAnswer = v.strictObject({ networks: v.array(network) });
export const quirksAnswer = v.strictObject({ quirks: v.array(lesson) });
