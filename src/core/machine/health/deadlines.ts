import type { Phase } from "../phase.ts";

/** Seconds that a machine may stay in each phase; in phase `up`, seconds that its agent may be silent. */
export type Deadlines = { readonly [P in Phase]: number };

/** Memory that a birth needs, with a margin. */
export const leastMemoryMiB = 512;

/**
 * What each phase waits for, and where to look when it does not happen. The seconds allow for slow firmware, thousands of
 * machines at once and one retry; `initUp` lasts as long as the burn-in.
 */
export const phaseWaitsFor: {
  readonly [P in Phase]: {
    readonly seconds: number;
    /** The event that ends the phase; completes "waits until …". */
    readonly missing: string;
    /** Where to look when that event does not happen. */
    readonly next: string;
  };
} = {
  offered: {
    seconds: 180,
    missing: "its firmware fetches the boot loader",
    next: "check birther packets NAME for a TFTP or HTTP request: without one, its firmware rejected the offer or tries another boot entry first",
  },
  loaderSent: {
    seconds: 300,
    missing: "its loader fetches the boot script and the kernel",
    next: "read its console: the loader names the file that it could not fetch; check that HTTP from the machine to the server is not blocked",
  },
  kernelSent: {
    seconds: 600,
    missing: "init has started and taken its birth order",
    next: `read its console: the kernel may lack memory (${leastMemoryMiB} MiB are needed), or init a driver for the NIC; check that TLS from the machine to the server is not blocked`,
  },
  initUp: {
    seconds: 14_400,
    missing: "the burn-in has ended",
    next: "read birther log NAME for the progress of the burn-in; the watchdog resets a machine whose test hangs",
  },
  burnIn: {
    seconds: 600,
    missing: "an LLDP frame of its switch arrives and a placement rule matches it",
    next: "read birther log NAME; check that the switch sends LLDP on that port and that a placement rule matches it",
  },
  placed: {
    seconds: 14_400,
    missing: "the write test of its root disk ends and the disk keys are made",
    next: "read birther log NAME; the NVRAM may be full or read-only",
  },
  keysMade: {
    seconds: 900,
    missing: "its root disk is partitioned",
    next: "read birther log NAME; the disk may be failing: birther show NAME lists the burn-in results",
  },
  partitioned: {
    seconds: 1800,
    missing: "its root file system is populated",
    next: "read birther log NAME; the disk may be failing: birther show NAME lists the burn-in results",
  },
  populated: {
    seconds: 600,
    missing: "it is declared healthy and its agent starts",
    next: "read birther log NAME for a conflict or a refusal with its reason",
  },
  handedOver: {
    seconds: 900,
    missing: "its agent polls from the permanent address and gets a list of objects to fetch",
    next: "check that the server can reach the permanent address, and that the required image exists (birther image list)",
  },
  fetching: {
    seconds: 7200,
    missing: "all objects of its image are fetched",
    next: "read birther log NAME; its disk may be full, or the network slow",
  },
  updating: {
    seconds: 3600,
    missing: "its image is installed",
    next: "read birther log NAME for the current step of the update",
  },
  rebooting: {
    seconds: 1200,
    missing: "its agent polls after the boot from disk",
    next: "read its console: a firmware that ends in its own menu or shell may have no driver for the controller of its root disk (enable its option ROM, or choose another disk by storage.rootDisk); check birther packets NAME for repeated network boots, and birther quirks for known faults of its firmware",
  },
  up: {
    seconds: 900,
    missing: "its agent polls again",
    next: "check that it is switched on and reachable; if its system is broken, run birther rebirth NAME, then reset it",
  },
};

/** Only the seconds of each phase. */
export const defaultDeadlineSeconds: Deadlines = Object.fromEntries(
  Object.entries(phaseWaitsFor).map(([phase, { seconds }]) => [phase, seconds]),
) as Deadlines;
