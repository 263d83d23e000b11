import type { BirthStepId } from "./birth-step.ts";

const reachTheBirther =
  "Check that the Birther runs and is reachable; `birther why` explains the state of this machine.";
const suspectTheDisk =
  "Read the lines above (also in `birther log`). If it fails again, suspect the disk or its controller.";

const suspectTheImage =
  "Read the lines above (also in `birther log`). If it fails again, the Bootstrap Image may be incomplete: stop the server, run `birther image build`, and start it again.";
const suspectTheTpm =
  "Read the reason above. Enable the TPM in the firmware's settings; one with an owner password, or full, must be cleared there.";
const suspectTheNvram =
  "Check the firmware's memory for UEFI variables (NVRAM): restore the defaults in its setup, delete unused boot entries, or update the firmware.";

const resumeOrRebirth =
  "Check that the root disk is connected. This machine has not run an image yet: `birther rebirth` installs it anew.";

/** What an operator at the console can do about a failed step. */
const advice: { readonly [Id in BirthStepId]: string } = {
  start: suspectTheImage,
  readBootSettings: "Boot this machine from the network of the Birther: its boot script carries the settings.",
  loadDrivers: suspectTheImage,
  fetchSettings: "Check the cable and that the Birther serves this network; `birther packets` shows what it was asked.",
  networkUp:
    "Check the cable, and that the Bootstrap Image has a driver for this NIC. If another host uses the address, the next attempt gets another one.",
  askForOrder: reachTheBirther,
  report: reachTheBirther,
  awaitErasing: suspectTheDisk,
  scanHardware: suspectTheImage,
  readDiskContents: suspectTheDisk,
  chooseRootDisk: "Check that the firmware detects the disk, or lower storage.minRootDiskMiB.",
  burnIn: suspectTheDisk,
  findSwitchPort:
    "Enable LLDP on the switch port, or raise placement.lldpSeconds. Intel 700 and 800 NICs: check above that their firmware's LLDP agent was stopped.",
  computePlace: "Add or correct a rule in placement.rules in the Birther's configuration.",
  planNetwork:
    "Check the cables of the NICs that are named above, or correct the rule `nics` of the profile in networkProfiles.",
  checkAddress:
    "Find the host with this MAC (in the switch's table of addresses) and give it another address, or correct the rule in placement.rules.",
  chooseImage: "Add an image rule without conditions at the end of images in the Birther's configuration.",
  reportPlace: reachTheBirther,
  surveyDisks: "Read the reason above, which names the disks and what to do.",
  chooseDataDisks:
    "Erase the disks that are named above, or correct the layout in storage.layouts of the Birther's configuration.",
  reportDataDisks: reachTheBirther,
  planInstallation:
    "Set storage.allowUnencrypted, or give this machine a place for its key: UEFI firmware with writable variables, or a TPM 2.0 that is enabled, or cleared if it is full or has a password.",
  askToBeHealthy: reachTheBirther,
  writeSubSettings: suspectTheDisk,
  writeCredential: suspectTheDisk,
  findRootDisk: resumeOrRebirth,
  askToResume: reachTheBirther,
  recoverKey:
    "If the server refused, birther release NAME --recover allows another recovery. If the TPM refused, it is another one than at the birth, or was cleared: only a rebirth helps.",
  handOver: reachTheBirther,
  fileSystemDrivers: suspectTheImage,
  fetchLoader: reachTheBirther,
  checkDisk: suspectTheDisk,
  discardKeys: suspectTheNvram,
  discardTpmKey: suspectTheTpm,
  eraseHeaders: suspectTheDisk,
  eraseByDevice:
    "Read the reason above. A disk that is frozen needs its power cut; one whose erasing failed should be replaced. `birther clean NAME --restart` without --sanitize destroys keys only.",
  discardDisk: suspectTheDisk,
  eraseOthers: suspectTheDisk,
  makeKeys: suspectTheNvram,
  eraseSignatures: suspectTheDisk,
  partition: suspectTheDisk,
  encryptRoot: suspectTheDisk,
  checkDataDisk: suspectTheDisk,
  checkMirrorDisk: suspectTheDisk,
  partitionMirrorDisk: suspectTheDisk,
  makeMirror: suspectTheDisk,
  assembleMirror: suspectTheDisk,
  partitionDataDisk: suspectTheDisk,
  makeVolumeKey: suspectTheDisk,
  encryptVolume: suspectTheDisk,
  volumeFileSystem: suspectTheDisk,
  rootFileSystem: suspectTheDisk,
  bootFileSystem: suspectTheDisk,
  mountRoot: suspectTheDisk,
  mountBoot: suspectTheDisk,
  efiFileSystem: suspectTheDisk,
  mountEfi: suspectTheDisk,
  installLoader: suspectTheDisk,
  configureLoader: suspectTheDisk,
  addBootEntry: suspectTheNvram,
  makeDirectories: suspectTheDisk,
  hostFiles: suspectTheDisk,
  enableServices: suspectTheDisk,
  copyAgent: suspectTheImage,
  copyUnlocker: suspectTheImage,
  sync: suspectTheDisk,
  findPartitions: resumeOrRebirth,
  unlockRoot: resumeOrRebirth,
};

/** What to do about a failed step, in one or two sentences. */
export function adviceFor(step: BirthStepId): string {
  return advice[step];
}

/** A failed birth, as the console shows it. */
export type Failure = {
  readonly step: string;
  readonly reason: string;
  /** What to do: the next step of the MDB's refusal, else `adviceFor` the step. */
  readonly next: string;
  readonly retrySeconds: number;
  /** Lines that identify the machine. */
  readonly identity: readonly string[];
};

/** The banner for the console: why the birth failed and what to do; 78 columns, so that a serial console does not wrap it. */
export function failureBanner(failure: Failure): readonly string[] {
  const rows = [
    "THE BIRTH OF THIS MACHINE HAS FAILED",
    "",
    ...failure.identity,
    "",
    ...wrap(`Step:    ${failure.step}`),
    ...wrap(`Reason:  ${failure.reason}`),
    ...wrap(`Next:    ${failure.next}`),
    "",
    `The machine retries in ${failure.retrySeconds} seconds.`,
  ];
  const edge = "*".repeat(78);
  return [edge, ...rows.map((row) => `* ${row.padEnd(74)} *`), edge];
}

/** Wraps at 74 characters; continuation lines are indented to the text of the first. */
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
