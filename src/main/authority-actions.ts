import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Actions, TrustReport } from "../cli/act/actions.ts";
import type { Config } from "../contract/config/schema.ts";
import { nameOf } from "../core/machine/life/move.ts";
import { openLog } from "../log/structured-log.ts";
import { openStore } from "../mdb/open-store.ts";
import { inRequest } from "../mdb/request-origin.ts";
import { lockState } from "../mdb/sqlite/state-lock.ts";
import { addAuthority, type RotationPlace, retireAuthority, switchAuthority, viewTrust } from "../mdb/tls/rotate.ts";
import { localCaller } from "./acts/local-caller.ts";
import { pathsIn } from "./paths.ts";
import { systemClock } from "./system-ports.ts";

/** Changes the certificate authorities of a state directory that no server uses, and reports the new state. */
export const changeAuthorities: Actions["changeAuthorities"] = async ({ config, change, override, reason }) =>
  await withPlace({ config, reason }, async (place) => {
    switch (change) {
      case "show":
        break;
      case "add":
        await addAuthority(place);
        break;
      case "switch":
        await switchAuthority(place, override);
        break;
      case "retire":
        await retireAuthority(place);
        break;
    }
    return reportOf(place);
  });

type Asked = { readonly config: Config; readonly reason: string | undefined };

async function withPlace(
  { config, reason }: Asked,
  work: (place: RotationPlace) => Promise<TrustReport>,
): Promise<TrustReport> {
  const paths = pathsIn(config.stateDirectory);
  if (!existsSync(paths.pki))
    throw new Error(
      `${config.stateDirectory}: expected the state of a server, found none; check stateDirectory, or start the server once: birther serve`,
    );
  const log = openLog({ json: false, least: "warn" });
  using _lock = lockState(paths.lock);
  await using store = await openStore({ path: config.database ?? paths.database, clock: systemClock, log });
  // As a request on the server's socket would: the audit names the user of this computer, and why.
  const origin = { id: randomBytes(4).toString("hex"), from: "local", ...(reason === undefined ? {} : { reason }) };
  const by = localCaller();
  return await inRequest(origin, () => work({ store, directory: paths.pki, clock: systemClock, log, by }));
}

function reportOf(place: RotationPlace): TrustReport {
  const { authorities, installed, behind } = viewTrust(place);
  return { authorities, installed, behind: behind.map(nameOf) };
}
