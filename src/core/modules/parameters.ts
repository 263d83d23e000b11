import { moduleName } from "./module-name.ts";

/**
 * Most watchdog drivers stop the watchdog when the kernel restarts (WDOG_STOP_ON_REBOOT in linux/watchdog.h), so a
 * hanging restart would hang forever. With this parameter the hardware stays armed (drivers/watchdog/watchdog_core.c,
 * Linux 6.1).
 */
export const keepWatchdogParameter = "watchdog.stop_on_reboot=0";

/**
 * The parameters of a module: the words `MODULE.PARAMETER=VALUE` of /proc/cmdline, without the module's name. The
 * kernel applies them only to built-in modules; for others, modprobe(8) does it.
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
