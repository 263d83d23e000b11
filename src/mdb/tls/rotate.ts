import { createHash } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { isInstalled, type Machine } from "../../core/machine/record.ts";
import { trustIdOf } from "../../core/machine/trust-id.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { Trusted } from "../../core/store/stored-documents.ts";
import { type Authority, authoritiesIn, authorityFiles, authorityName, retiredSuffix } from "./authorities.ts";
import { trustIn } from "./authority.ts";
import { writeAuthority } from "./pki.ts";
import { fingerprintsOf, readTrusted, writeTrusted } from "./trusted.ts";

/** What a rotation needs; no server may use the state directory meanwhile. */
export type RotationPlace = {
  readonly store: Pick<Store, "documents" | "unreadableDocuments" | "putDocument" | "list">;
  /** STATE/pki. */
  readonly directory: string;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
  /** The operator, for the audit. */
  readonly by: string;
};

/** The authorities of an MDB for people. */
export type AuthorityView = {
  readonly fingerprint: string;
  readonly role: "issuing" | "next" | "former";
  readonly file: string;
};

/** The authorities, and the installed machines that have not reported that they trust all of them. */
export type TrustView = {
  readonly authorities: readonly AuthorityView[];
  readonly installed: number;
  readonly behind: readonly Machine[];
};

/** The authorities and the machines that are behind. */
export function viewTrust(place: RotationPlace): TrustView {
  const recorded = recordedIn(place);
  const { caPem } = trustIn(place.directory, recorded, place.log);
  const id = trustIdOf(createHash("sha512").update(caPem).digest("hex"));
  const installed = place.store.list().filter(isInstalled);
  return {
    authorities: authoritiesIn(place.directory).flatMap(({ fingerprint, files }) => {
      const role = roleOf(fingerprint, recorded);
      return role === undefined ? [] : [{ fingerprint, role, file: files.certificate }];
    }),
    installed: installed.length,
    behind: installed.filter(({ trusts }) => trusts !== id),
  };
}

/** Makes an authority that machines trust from now on, beside the one that issues. */
export async function addAuthority(place: RotationPlace): Promise<void> {
  const recorded = recordedIn(place);
  const { directory, store, clock, by } = place;
  if (recorded.next !== undefined)
    throw new Error("an authority was added before; next: birther authority switch, once all machines trust it");
  if (recorded.former !== undefined)
    throw new Error("the former authority is still trusted; first: birther authority retire");
  const found = authoritiesIn(directory);
  // Left by an attempt that was cut before the MDB knew of it. An older one was retired, perhaps because its key is known.
  const spare = found.find((each) => existsSync(each.files.key) && each.number > lastKnown(found, recorded));
  const next = spare ?? (await makeNext(directory, found, clock));
  await writeTrusted(store, { ...recorded, next: next.fingerprint }, by);
}

/** The added authority issues from now on. Throws if a machine has not reported that it trusts it, unless `override`. */
export async function switchAuthority(place: RotationPlace, override: boolean): Promise<void> {
  const { next, fingerprint } = recordedIn(place);
  if (next === undefined) throw new Error("there is no added authority; first: birther authority add");
  const { behind, installed } = viewTrust(place);
  if (behind.length > 0 && !override) {
    const names = behind.slice(0, 5).map(({ hostname, id }) => hostname ?? id);
    throw new Error(
      `${behind.length} of ${installed} machines have not reported that they trust the added authority, and would not find the server again: ` +
        `${names.join(" ")}${behind.length > names.length ? " …" : ""}; start the server and let them poll, or leave them behind with --override`,
    );
  }
  await writeTrusted(place.store, { fingerprint: next, former: fingerprint }, place.by);
}

/** The former authority is trusted no longer; its files are kept under another name. */
export async function retireAuthority(place: RotationPlace): Promise<void> {
  const { fingerprint, former } = recordedIn(place);
  if (former === undefined) throw new Error("there is no former authority; first: birther authority switch");
  await writeTrusted(place.store, { fingerprint }, place.by);
  const { directory } = place;
  const issuing = authoritiesIn(directory).find((each) => each.fingerprint === fingerprint);
  // A retirement that was cut may have left files of an earlier one.
  for (let number = 1; number < (issuing?.number ?? 1); number += 1)
    for (const path of Object.values(authorityFiles(directory, authorityName(number))))
      if (existsSync(path)) renameSync(path, `${path}${retiredSuffix}`);
}

async function makeNext(
  directory: string,
  found: readonly Authority[],
  clock: Pick<Clock, "nowMs">,
): Promise<Authority> {
  const name = authorityName(Math.max(1, ...found.map(({ number }) => number)) + 1);
  await writeAuthority(directory, name, clock);
  const made = authoritiesIn(directory).find((each) => each.name === name);
  if (made === undefined) throw new Error(`${directory}: expected the new authority ${name}, found no such file`);
  return made;
}

/** The number of the newest authority that machines trust. */
function lastKnown(found: readonly Authority[], recorded: Trusted): number {
  const known = found.filter(({ fingerprint }) => roleOf(fingerprint, recorded) !== undefined);
  return Math.max(0, ...known.map(({ number }) => number));
}

function recordedIn({ store }: RotationPlace): Trusted {
  const recorded = readTrusted(store);
  if (recorded === undefined)
    throw new Error("this MDB has no certificate authority yet; start the server once: birther serve");
  return recorded;
}

function roleOf(fingerprint: string, recorded: Trusted): AuthorityView["role"] | undefined {
  if (!fingerprintsOf(recorded).includes(fingerprint)) return undefined;
  if (fingerprint === recorded.fingerprint) return "issuing";
  return fingerprint === recorded.next ? "next" : "former";
}
