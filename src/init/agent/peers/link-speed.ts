import * as os from "os";
import { readTextIfThere } from "../../system/files.ts";

const interfaces = "/sys/class/net";

/** The speed of the link of the interface with this MAC address, in megabits a second; undefined if it does not say. */
export function linkMbpsOf(mac: string): number | undefined {
  try {
    for (const name of os.readdir(interfaces)[0]) {
      if (name.startsWith(".") || readTextIfThere(`${interfaces}/${name}/address`)?.trim() !== mac) continue;
      const speed = Number(readTextIfThere(`${interfaces}/${name}/speed`)?.trim());
      // -1 without a link; EINVAL where there is no such thing.
      if (speed > 0 && Number.isSafeInteger(speed)) return speed;
    }
  } catch {
    // Many virtual interfaces have no speed.
  }
  return undefined;
}
