/**
 * What the machines of the suites run. Debian 13's Bootstrap Image is what users get: the demo has it, with Debian 13's system
 * (tests/birth/birth.test.ts), and with a second archive, so that every loader hands one to a kernel, births under Secure
 * Boot, with the site's key, and by HTTP. The others have Debian 12's, whose kernel and system start in less time.
 */
import type { DemoImages } from "../../src/main/demo/prepare-demo.ts";

export const debian12 = { suite: "bookworm", firmware: [], system: "bookworm" } as const satisfies DemoImages;

/** Debian 13's Bootstrap Image before Debian 12's system. */
export const debian13 = { suite: "trixie", firmware: ["bnx2x"], system: "bookworm" } as const satisfies DemoImages;

/** What init says of the second archive of `debian13`. */
export const saidOfFirmware = /firmware of network cards is in the image families=bnx2x/;
