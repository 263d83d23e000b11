import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { makeSecureBootKey as makeKey, secureBootFiles } from "../bootstrap-image/secure-boot/key.ts";
import type { Actions } from "../cli/act/actions.ts";
import { leaveAct } from "./acts/leave-act.ts";
import { pathsIn } from "./paths.ts";
import { systemClock } from "./system-ports.ts";

/** Makes the site's key for Secure Boot in a state directory, and leaves that for the audit. */
export const makeSecureBootKey: Actions["makeSecureBootKey"] = async (stateDirectory, { reason }) => {
  const directory = pathsIn(stateDirectory).secureBoot;
  const files = secureBootFiles(directory);
  const act = { action: "make Secure Boot key", subject: "Secure Boot" } as const;
  const work = async () => {
    await makeKey(directory, systemClock.nowMs());
    return new X509Certificate(await readFile(files.certificate)).fingerprint256;
  };
  const describe = (fingerprint: string) => ({ ...act, facts: { fingerprint } });
  await leaveAct(stateDirectory, { ...act, reason, facts: {} }, { work, describe });
  return files;
};
