import type { BirthStepId } from "./birth-step.ts";

const reachTheBirther =
  "Check that the Birther runs and is reachable; `birther show` tells what it thinks of this machine.";
const suspectTheDisk =
  "Look at the lines above; `birther show` has them too. If it fails again, the disk or its controller is suspect.";

/** What a person at the console can do about a failed step, by the step. */
const advice: { readonly [Id in BirthStepId]: string } = {
  start: suspectTheDisk,
  readBootSettings: "Boot this machine over the network from the Birther; its boot script carries the settings.",
  loadDrivers: suspectTheDisk,
  networkUp: "Check the cable and that the image has a driver for this NIC.",
  askForOrder: reachTheBirther,
  report: reachTheBirther,
  scanHardware: suspectTheDisk,
  readDiskContents: suspectTheDisk,
  chooseRootDisk: "Check that the disk is connected and seen by the firmware, or lower storage.minRootDiskMiB.",
  burnIn: suspectTheDisk,
  findSwitchPort:
    "Turn LLDP on at the switch port, or give it more time in placement.lldpSeconds. Intel 700 and 800 NICs: see above if their firmware's LLDP agent could be stopped.",
  computePlace: "Add or correct a rule under placement.rules in the Birther's configuration.",
  chooseImage: "Add an image rule without conditions at the end of images in the Birther's configuration.",
  reportPlace: reachTheBirther,
  planInstallation: "Set storage.allowUnencrypted, or give this machine UEFI firmware with writable variables.",
  askToBeHealthy: reachTheBirther,
  writeSubSettings: suspectTheDisk,
  handOver: reachTheBirther,
  fileSystemDrivers: suspectTheDisk,
  fetchLoader: reachTheBirther,
  checkDisk: suspectTheDisk,
  discardKeys: suspectTheDisk,
  makeKeys: suspectTheDisk,
  partition: suspectTheDisk,
  encryptRoot: suspectTheDisk,
  rootFileSystem: suspectTheDisk,
  bootFileSystem: suspectTheDisk,
  mountRoot: suspectTheDisk,
  mountBoot: suspectTheDisk,
  efiFileSystem: suspectTheDisk,
  mountEfi: suspectTheDisk,
  installLoader: suspectTheDisk,
  configureLoader: suspectTheDisk,
  addBootEntry: suspectTheDisk,
  makeDirectories: suspectTheDisk,
  hostFiles: suspectTheDisk,
  enableServices: suspectTheDisk,
  copyAgent: suspectTheDisk,
  copyUnlocker: suspectTheDisk,
  sync: suspectTheDisk,
};

/** What to do about a failure in a step, in one sentence. */
export function adviceFor(step: BirthStepId): string {
  return advice[step];
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
