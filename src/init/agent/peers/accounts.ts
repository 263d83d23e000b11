import * as host from "host";
import type { Part } from "./part-of-content.ts";

/** What a machine sent as a part of a content. */
export type Account = Part & { readonly machineId: string; readonly digest: string };

/** Enough to tell two parts from each other; the hash of the whole is what proves a content. */
const digestDigits = 32;
/** After as many contents that were put together wrong, a fetch takes each of its contents from one source. */
const mostForged = 3;

/** Who sent which part of contents that turned out to be wrong. */
export type Accounts = {
  readonly note: (sha512: string, accounts: readonly Account[]) => void;
  /** Whether contents are still to be put together. */
  readonly isTrusting: () => boolean;
  /** The true content is there: who sent other parts than it has. `digestOf` reads a part of it. */
  readonly liars: (sha512: string, digestOf: (part: Part) => string) => readonly string[];
};

export function digestOf(bytes: Uint8Array): string {
  return host.sha512(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length).slice(0, digestDigits);
}

export function openAccounts(): Accounts {
  const wrong = new Map<string, readonly Account[]>();
  let forged = 0;
  return {
    note: (sha512, accounts) => {
      forged += 1;
      wrong.set(sha512, accounts);
    },
    isTrusting: () => forged < mostForged,
    liars: (sha512, digestOf) => {
      const accounts = wrong.get(sha512) ?? [];
      wrong.delete(sha512);
      const found = new Set<string>();
      for (const { machineId, digest, from, to } of accounts)
        if (!found.has(machineId) && digestOf({ from, to }) !== digest) found.add(machineId);
      return [...found];
    },
  };
}
