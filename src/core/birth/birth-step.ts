import { installSteps } from "../install/step.ts";

/** Every step of a birth, from the start of init to the hand-over, with its name on the console, in the log and in the record. */
export const birthSteps = {
  start: "start",
  readBootSettings: "read boot settings",
  loadDrivers: "load drivers",
  fetchSettings: "ask for the settings of this machine",
  networkUp: "bring the network up",
  askForOrder: "ask for the order",
  report: "report to the MDB",
  awaitErasing: "wait for disks that erase themselves",
  scanHardware: "scan the hardware",
  readDiskContents: "read the contents of the disks",
  chooseRootDisk: "choose the root disk",
  burnIn: "burn-in",
  findSwitchPort: "find the switch port",
  computePlace: "compute the place",
  planNetwork: "plan the network",
  checkAddress: "check the permanent address",
  chooseImage: "choose the image",
  reportPlace: "report the place",
  surveyDisks: "ask the disks how they erase themselves",
  planInstallation: "plan the installation",
  askToBeHealthy: "ask to be healthy",
  writeSubSettings: "write the sub's settings",
  writeCredential: "write the agent's credential",
  findRootDisk: "find the root disk",
  askToResume: "ask to resume",
  recoverKey: "recover the disk key",
  handOver: "hand over",
  ...installSteps,
} as const;
export type BirthStepId = keyof typeof birthSteps;
