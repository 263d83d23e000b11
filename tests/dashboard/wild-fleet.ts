import { plainFacts } from "../../src/core/bytes/plain-text.ts";
import type { Condition } from "../../src/core/machine/condition.ts";
import type { Machine } from "../../src/core/machine/record.ts";
import { arrivingFleet } from "./fleet.ts";

const markup = `<img src=x onerror="document.title='owned'"><svg/onload=alert(1)>`;
const long = "a-name-that-no-one-would-choose-but-a-vendor-did-".repeat(4);
/** Texts that machines say and that spoil a page: markup, words without end, other directions of writing, marks without end. */
export const wildTexts = [
  markup,
  long,
  `${"Z̴̧̛͙̠͈̯"}${"͛".repeat(60)}algo`,
  "\u202egnp.exe",
  "مرحبا بالعالم שלום",
  "汉字漢字かな交じり文".repeat(6),
  `javascript:alert(1)//"'\`\${7*7}{{7*7}}`,
  "a\u200b\u200d\u00ad\ufeffb",
  "🧑‍🚀🏳️‍🌈".repeat(12),
] as const;

/** A few racks of machines that say wild things in every field that firmware, switches and init fill, and stand in every way. */
export async function* wildFleet(count: number, nowMs: number): AsyncGenerator<Machine, void, undefined> {
  let n = 0;
  for await (const machine of arrivingFleet(count, nowMs)) {
    const text = wildTexts[n % wildTexts.length] ?? "";
    // As it enters a server: a record has only texts that went through this.
    yield plainFacts(spoil(machine, text, { n, nowMs })) as Machine;
    n += 1;
  }
}

const kinds = ["failing", "conflict", "debug", "hold", "maintenance", "waiting", "retired"] as const;

function spoil(machine: Machine, text: string, { n, nowMs }: { n: number; nowMs: number }): Machine {
  const kind = kinds[n % (2 * kinds.length)];
  const condition: Condition[] =
    kind === undefined ? [] : [{ kind, reason: `${text}: ${long}`, sinceMs: nowMs - n * 60_000 }];
  const { hardware, burnIn } = machine;
  const wild = { vendor: text, product: text, serial: text, uuid: text };
  const change = {
    conditions: condition,
    smbios: wild,
    network: text.slice(0, 40),
    neighbours: [{ switchName: text, port: text, portId: text, portIdKind: "local", portDescription: text }],
    ...(hardware === undefined
      ? {}
      : {
          hardware: {
            ...{ ...hardware, smbios: wild, cpuModel: text, watchdog: text },
            disks: hardware.disks.map((disk) => ({ ...disk, model: text, serial: text })),
            nics: hardware.nics.map((nic) => ({ ...nic, driver: text })),
          },
        }),
    ...(burnIn === undefined
      ? {}
      : {
          burnIn: {
            ...burnIn,
            results: burnIn.results.map((one) => ({ ...one, subject: text, ok: false, fault: text })),
          },
        }),
    timeline: machine.timeline.map((entry) => ({ ...entry, detail: text })),
    tags: { role: text.replace(/[,()=\p{Cc}]/gu, "_").slice(0, 200) },
  };
  const {
    placement,
    hostname: _hostname,
    permanentAddress: _address,
    ...unplaced
  } = machine as Machine & {
    placement?: object;
    hostname?: string;
    permanentAddress?: number;
  };
  // Every fifth machine has no place yet: only what it says tells it from others.
  return (n % 5 === 4 ? { ...unplaced, state: "unknown", ...change } : { ...machine, ...change }) as unknown as Machine;
}
