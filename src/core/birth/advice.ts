/** What a person at the console can do about a failed step; the steps of the plan share the last row. */
const advice: readonly { readonly step: RegExp; readonly next: string }[] = [
  {
    step: /^read boot settings$/,
    next: "Boot this machine over the network from the Birther; its boot script carries the settings.",
  },
  { step: /^bring the network up$/, next: "Check the cable and that the image has a driver for this NIC." },
  {
    step: /^(ask for the order|report .*|ask to be healthy|hand over)$/,
    next: "Check that the Birther runs and is reachable; `birther show` tells what it thinks of this machine.",
  },
  {
    step: /^find the switch port$/,
    next: "Turn LLDP on at the switch port, or give it more time in placement.lldpSeconds. Intel 700 and 800 NICs: see above if their firmware's LLDP agent could be stopped.",
  },
  { step: /^compute the place$/, next: "Add or correct a rule under placement.rules in the Birther's configuration." },
  {
    step: /^choose the image$/,
    next: "Add an image rule without conditions at the end of images in the Birther's configuration.",
  },
  {
    step: /^choose the root disk$/,
    next: "Check that the disk is connected and seen by the firmware, or lower storage.minRootDiskMiB.",
  },
  {
    step: /^plan the installation$/,
    next: "Set storage.allowUnencrypted, or give this machine UEFI firmware with writable variables.",
  },
  {
    step: /./,
    next: "Look at the lines above; `birther show` has them too. If it fails again, the disk or its controller is suspect.",
  },
];

/** What to do about a failure in `step`, in one sentence. */
export function adviceFor(step: string): string {
  return advice.find((row) => row.step.test(step))?.next ?? "";
}

export type Failure = {
  readonly step: string;
  readonly reason: string;
  /** What to do; the MDB's own words where it refused, else by `adviceFor`. */
  readonly next: string;
  readonly retrySeconds: number;
  /** Lines that say which machine this is. */
  readonly identity: readonly string[];
};

/** The frame in which a console shows why it waits; 78 columns, so that a serial console does not wrap it. */
export function failureBanner(failure: Failure): readonly string[] {
  const rows = [
    "THE BIRTH OF THIS MACHINE HAS FAILED",
    "",
    ...failure.identity,
    "",
    ...wrap(`Step:    ${failure.step}`),
    ...wrap(`Reason:  ${failure.reason}`),
    ...wrap(`To do:   ${failure.next}`),
    "",
    `It starts again in ${failure.retrySeconds} seconds by itself.`,
  ];
  const edge = "*".repeat(78);
  return [edge, ...rows.map((row) => `* ${row.padEnd(74)} *`), edge];
}

/** Lines of at most 74 characters, further ones indented under the first one's text. */
function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<=\S) /)) {
    const candidate = line === "" ? word : `${line} ${word}`;
    if (candidate.length <= 74) {
      line = candidate;
      continue;
    }
    if (line !== "") lines.push(line);
    line = `         ${word}`.slice(0, 74);
  }
  return [...lines, line];
}
