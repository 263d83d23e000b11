import type { MachineArchitecture } from "../machine/architecture.ts";

/**
 * The kernel's parameters for its consoles. On arm64 the firmware names the serial port (ACPI SPCR, or stdout-path of the
 * device tree), because boards have several kinds; a parameter would replace that choice.
 */
export function consolesOf(architecture: MachineArchitecture): readonly string[] {
  return architecture === "arm64" ? [] : ["console=tty0", "console=ttyS0,115200n8"];
}
