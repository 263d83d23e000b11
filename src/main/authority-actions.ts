import { existsSync } from "node:fs";
import type { Actions, TrustReport } from "../cli/act/actions.ts";
import type { Config } from "../contract/config/schema.ts";
import { nameOf } from "../core/machine/life/move.ts";
import { openLog } from "../log/structured-log.ts";
import { openStore } from "../mdb/open-store.ts";
import { lockState } from "../mdb/sqlite/state-lock.ts";
import { addAuthority, type RotationPlace, retireAuthority, switchAuthority, viewTrust } from "../mdb/tls/rotate.ts";
import { pathsIn } from "./paths.ts";
import { systemClock } from "./system-ports.ts";

/** Changes the certificate authorities of a state directory that no server uses, and reports the new state. */
export const changeAuthorities: Actions["changeAuthorities"] = async ({ config, change, override }) =>
  await withPlace(config, async (place) => {
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

async function withPlace(config: Config, work: (place: RotationPlace) => Promise<TrustReport>): Promise<TrustReport> {
  const paths = pathsIn(config.stateDirectory);
  if (!existsSync(paths.pki))
    throw new Error(
      `${config.stateDirectory}: expected the state of a server, found none; check stateDirectory, or start the server once: birther serve`,
    );
  const log = openLog({ json: false, least: "warn" });
  using _lock = lockState(paths.lock);
  await using store = await openStore({ path: config.database ?? paths.database, clock: systemClock, log });
  return await work({ store, directory: paths.pki, clock: systemClock, log });
}

function reportOf(place: RotationPlace): TrustReport {
  const { authorities, installed, behind } = viewTrust(place);
  return { authorities, installed, behind: behind.map(nameOf) };
}
