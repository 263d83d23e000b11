import type { Phase } from "../record.ts";

/** Seconds that a machine may stay in each phase; of one that is up, that its sub may be silent. */
export type Deadlines = { readonly [P in Phase]: number };

/**
 * What comes next after each phase, and where it is when that does not come. Seconds leave room for slow firmware, thousands of
 * machines at once and one retry; `initUp` lasts as long as the burn-in.
 */
export const phaseWaitsFor: {
  readonly [P in Phase]: {
    readonly seconds: number;
    /** The one event that ends the phase, as the end of "waits until …". */
    readonly missing: string;
    /** What to look at when it does not come. */
    readonly next: string;
  };
} = {
  offered: {
    seconds: 180,
    missing: "its firmware fetches the boot loader",
    next: "birther packets NAME says whether it asked by TFTP or HTTP: if not, its firmware refused the offer or another network boot comes first",
  },
  loaderSent: {
    seconds: 300,
    missing: "its loader fetches the boot script and the kernel",
    next: "look at its console: the loader says what it could not fetch; HTTP must be open from there to the server",
  },
  kernelSent: {
    seconds: 600,
    missing: "init has started and taken its birth order",
    next: "look at its console: the kernel may lack memory, or init the driver of the NIC; TLS must be open from there to the server",
  },
  initUp: {
    seconds: 14_400,
    missing: "the burn-in has ended",
    next: "birther log NAME shows how far it is; a test that hangs is reset by the watchdog",
  },
  burnIn: {
    seconds: 600,
    missing: "a frame of its switch (LLDP) has told its place",
    next: "birther log NAME; LLDP must be sent on that port, and a placement rule must match it",
  },
  placed: {
    seconds: 600,
    missing: "the keys of its root disk are made",
    next: "birther log NAME; NVRAM may be full or read-only",
  },
  keysMade: {
    seconds: 900,
    missing: "its root disk is partitioned",
    next: "birther log NAME; the disk may be failing: birther show NAME lists what the burn-in measured",
  },
  partitioned: {
    seconds: 1800,
    missing: "the root file-system is populated",
    next: "birther log NAME; the disk may be failing: birther show NAME lists what the burn-in measured",
  },
  populated: {
    seconds: 600,
    missing: "it is declared healthy and subd takes over",
    next: "birther log NAME; a conflict or a refusal stands there with its reason",
  },
  handedOver: {
    seconds: 900,
    missing: "its sub is heard at the permanent address, and told what to fetch",
    next: "the permanent address must be reachable from the server; the required image must exist: birther image list",
  },
  fetching: {
    seconds: 7200,
    missing: "all objects of its image are there",
    next: "birther log NAME; its disk may be full, or the network slow",
  },
  updating: {
    seconds: 3600,
    missing: "its image is in place",
    next: "birther log NAME shows the step it is at",
  },
  rebooting: {
    seconds: 1200,
    missing: "its sub is heard from its own disk",
    next: "look at its console; birther packets NAME says whether it asks the network again and again; birther quirks what was learned of its firmware",
  },
  up: {
    seconds: 900,
    missing: "its sub is heard again",
    next: "look whether it is switched on and reachable; if its system is broken: birther rebirth NAME, then a reset",
  },
};

/** The seconds alone. */
export const defaultDeadlineSeconds: Deadlines = Object.fromEntries(
  Object.entries(phaseWaitsFor).map(([phase, { seconds }]) => [phase, seconds]),
) as Deadlines;
