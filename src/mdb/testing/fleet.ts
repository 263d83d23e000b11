import type { MachineEvent } from "../../core/machine/event.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import { addToIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import { ip, macOf } from "../../core/net/testing/addresses.ts";
import type { Clock } from "../../core/ports.ts";
import type { StoredToken } from "../../core/store/stored-documents.ts";

/** A clock that only the test moves. */
export function stillClock(): Clock & { readonly pass: (ms: number) => void } {
  let nowMs = 1_000_000;
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

/** Resolves when a condition holds; throws, naming it, when that takes more than `limitMs`. */
export async function until(what: string, holds: () => boolean, limitMs = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A token's document. */
export const storedToken = (role: StoredToken["role"]): StoredToken => ({
  ...{ role, createdAtMs: 1, createdBy: "ann", tokenHash: "secret" },
});

/** The MAC address of the n-th machine of a test. */
export function testMac(n: number): Mac {
  return macOf(n.toString(16).padStart(12, "0").replace(/^../, "02"));
}

/** The n-th machine asks PXE on a nursery. */
export function asks(n: number, address?: Ipv4): Extract<MachineEvent, { kind: "pxeAsked" }> {
  const asked = { kind: "pxeAsked", mac: testMac(n), firmware: "bios", network: "rack", nursery: true } as const;
  return { ...asked, stage: "firmware", answer: "loader", ...(address === undefined ? {} : { address }) };
}

/** The events that make the n-th machine healthy at unit n of rack 1. */
export function birthOf(n: number, generation = 1): MachineEvent[] {
  const id = machineIdFromMac(testMac(n));
  const placement = {
    switchName: "tor-1",
    port: `swp${n}`,
    position: {},
    hostname: `r01u${n}`,
    address: addToIpv4(ip("10.77.1.0"), n),
  };
  return [
    asks(n),
    { kind: "orderIssued", id, tokenHash: `t${n}.${generation}`, expiresAtMs: 9e12 },
    { kind: "orderTaken", id, mac: testMac(n), tokenHash: `t${n}.${generation}`, bootId: "b", sessionHash: `s${n}` },
    {
      kind: "becameHealthy",
      id,
      generation,
      placement,
      image: "compute",
      subTokenHash: `sub${n}`,
      storage: {
        rootDisk: { path: "/dev/vda", serial: "", sizeBytes: 1, why: "only" },
        encryption: { kind: "none", reason: "test" },
      },
    },
  ];
}
