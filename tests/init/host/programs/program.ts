import type { Kernel } from "../kernel.ts";
import type { BlockDevice } from "../storage/block-device.ts";
import { fault } from "../system/errno.ts";

/** The input of one run of a program. */
export type ProgramRun = {
  readonly kernel: Kernel;
  readonly argv: readonly string[];
  readonly input: Uint8Array;
  readonly env: { readonly [name: string]: string };
};

/** The result of the run. */
export type ProgramResult = { readonly status: number; readonly output: string };

/**
 * Runs a program's effects on the machine. Its writes are calls like init's: at each, the power may be cut or a device
 * may fail.
 */
export type Program = (run: ProgramRun) => ProgramResult;

/** Success without output. */
export const succeeded: ProgramResult = { status: 0, output: "" };

/** Failure with a message. */
export function failed(argv: readonly string[], why: string): ProgramResult {
  return { status: 1, output: `${argv[0]?.split("/").pop() ?? ""}: ${why}\n` };
}

/** The value of an option, e.g. `--key-file PATH`. */
export function option(argv: readonly string[], name: string): string {
  return argv[argv.indexOf(name) + 1] ?? "";
}

/** The device at a path; ENOENT, as from open(2), if there is none. */
export function deviceAt(kernel: Kernel, path: string): BlockDevice {
  const device = kernel.blocks.get(path);
  if (device === undefined) throw fault("ENOENT");
  return device;
}

/** A step of a program that changes a device: its own call, under the program's name and the device's path. */
export function changeDevice(kernel: Kernel, path: string, change: (device: BlockDevice) => void): void {
  kernel.cpu.call("write", path, () => change(deviceAt(kernel, path)));
}
