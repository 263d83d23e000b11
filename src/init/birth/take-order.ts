import { type BootSettings, readBootSettings } from "../../core/birth/boot-settings.ts";
import { birthProtocol, type OrderAnswer } from "../../core/birth/order-answer.ts";
import { isSignedCommandLine } from "../../core/birth/signed-command-line.ts";
import { scanHardware } from "../../core/hardware/scan.ts";
import { imagePaths } from "../../core/install/paths.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import type { Firmware } from "../../core/machine/record.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Log } from "../../core/ports.ts";
import { setClock, setClockForTls } from "../device/clock-setting.ts";
import { openEarlyLog } from "../device/early-log.ts";
import { openEfiVariables } from "../device/firmware/efi.ts";
import { openTpm, tpmSeconds } from "../device/firmware/tpm.ts";
import { type Drivers, openDrivers } from "../device/kernel/drivers.ts";
import { bringNetworkUp } from "../device/network/nic.ts";
import { systemTree } from "../device/tree.ts";
import { exists, readText, readTextIfThere } from "../system/files.ts";
import type { BirthContext } from "./birth-context.ts";
import { fetchSettings, fetchSettingsSeconds } from "./fetch-settings.ts";
import { type Mdb, openMdb, requestSeconds } from "./mdb.ts";
import { openSession, type Session } from "./session.ts";
import { messageOf, stop } from "./stop.ts";

/** A machine with its order. */
export type TakenOrder = {
  readonly settings: BootSettings;
  /** Kernel, initramfs and command line are those of the signed image. */
  readonly bySignedImage: boolean;
  readonly drivers: Drivers;
  readonly nic: string;
  readonly firmware: Firmware;
  readonly mdb: Mdb;
  readonly order: OrderAnswer;
  readonly session: Session;
  /** The TPM 2.0 has made its keys for this order. */
  readonly tpmAnswers: boolean;
};

/** Loads drivers, brings up network and clock, and takes the order from the MDB. Writes to no disk. */
export function takeOrder(context: BirthContext): TakenOrder {
  const { console, progress, runStep } = context;
  const given = runStep("readBootSettings", 10, readSettings);
  if (given !== undefined) introduce(context, given);

  const drivers = runStep("loadDrivers", 180, () => {
    const families = readTextIfThere(imagePaths.firmwareFamilies)?.trim();
    if (families !== undefined) console.log("info", "firmware of network cards is in the image", { families });
    const opened = openDrivers(console.log);
    opened.loadForDevices();
    showEfiVariables(opened, console.log);
    return opened;
  });
  const bootId = readText("/proc/sys/kernel/random/boot_id").trim();
  const earlyLog = openEarlyLog(console, bootId);
  const fetched = () => fetchSettings(console.log, ({ log, address }) => earlyLog.sendTo(log, address));
  const settings = given ?? runStep("fetchSettings", fetchSettingsSeconds, fetched);
  if (given === undefined) introduce(context, settings);
  const nic = runStep("networkUp", 150, () => bringNetworkUp(settings, console.log));
  earlyLog.sendTo(settings.log, settings.address);
  const { firmware } = scanHardware(systemTree);
  const caPem = readText(imagePaths.caCertificate);
  setClockForTls(caPem, settings.serverMs, console.log);
  const mdb = openMdb(settings.mdb, caPem, console.log);
  const { order, tpmAnswers } = runStep("askForOrder", requestSeconds + tpmSeconds, () => {
    const tpm = openTpm(console.log);
    try {
      const request = { protocol: birthProtocol, token: settings.token, mac: settings.mac, bootId, firmware };
      return { order: mdb.takeOrder(request, tpm), tpmAnswers: tpm.report().kind === "key" };
    } finally {
      tpm.close();
    }
  });
  setClock(order.nowMs, console.log);
  mdb.alsoAt(order.otherMdbs ?? []);
  console.log("info", "order taken", { action: order.action, generation: order.generation });

  const session = openSession(mdb, order, console);
  progress.retrySeconds = order.retrySeconds;
  progress.session = session;
  runStep("report", requestSeconds, () => session.phase("initUp", `${order.action}, ${firmware}`));
  // The MDB has the lines now.
  earlyLog.close();
  return { settings, bySignedImage: given === undefined, drivers, nic, firmware, mdb, order, session, tpmAnswers };
}

/** Shows who this machine is. */
function introduce({ console, progress }: BirthContext, settings: BootSettings): void {
  progress.identity = identityOf(settings);
  console.show(["", "Birther: this machine is being born", ...progress.identity, ""]);
}

/** Mounts the variables for the scan, which reports whether Secure Boot is on. */
function showEfiVariables(drivers: Drivers, log: Log): void {
  if (!exists("/sys/firmware/efi")) return;
  try {
    openEfiVariables(drivers);
  } catch (error) {
    log("warn", "reading the firmware's variables failed", { fault: messageOf(error) });
  }
}

/** The settings on the command line; undefined in the signed image, whose command line has none. */
function readSettings(): BootSettings | undefined {
  const commandLine = readText("/proc/cmdline");
  if (isSignedCommandLine(commandLine)) return undefined;
  const reading = readBootSettings(commandLine);
  if (reading.kind === "refused") throw stop(reading.reason);
  return reading.settings;
}

function identityOf(settings: BootSettings): readonly string[] {
  return [
    `Machine: ${machineIdFromMac(settings.mac)}`,
    `MAC:     ${settings.mac}`,
    `Address: ${formatIpv4(settings.address)}`,
    `MDB:     ${formatIpv4(settings.mdb.address)}:${settings.mdb.port}`,
  ];
}
