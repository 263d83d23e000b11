import { moduleName } from "./module-name.ts";

/**
 * Most drivers of watchdogs stop them when the kernel is told to restart (WDOG_STOP_ON_REBOOT in linux/watchdog.h), so a restart
 * that hangs would hang for ever. With this the hardware stays armed (drivers/watchdog/watchdog_core.c, Linux 6.1).
 */
export const keepWatchdogParameter = "watchdog.stop_on_reboot=0";

/**
 * What a module is loaded with: the words `MODULE.PARAMETER=VALUE` of /proc/cmdline, without the module's name. The kernel itself
 * heeds them for what is built in only; for the rest modprobe(8) does.
 */
export function moduleParameters(commandLine: string, module: string): string {
  const name = moduleName(module);
  return commandLine
    .split(/\s+/)
    .flatMap((word) => {
      const [, owner = "", parameter] = /^([^.=]+)\.([^.=]+(?:=.*)?)$/.exec(word) ?? [];
      return parameter !== undefined && moduleName(owner) === name ? [parameter] : [];
    })
    .join(" ");
}
