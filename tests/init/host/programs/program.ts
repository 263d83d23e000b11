import type { Kernel } from "../kernel.ts";
import type { BlockDevice } from "../storage/block-device.ts";
import { fault } from "../system/errno.ts";

/** One run of a program: what it was given. */
export type ProgramRun = {
  readonly kernel: Kernel;
  readonly argv: readonly string[];
  readonly input: Uint8Array;
  readonly env: { readonly [name: string]: string };
};

/** How it ended. */
export type ProgramResult = { readonly status: number; readonly output: string };

/** What a program does to the machine. Its own writes are calls like init's: the power may go, or a device fail, at each of them. */
export type Program = (run: ProgramRun) => ProgramResult;

/** A success that says nothing. */
export const succeeded: ProgramResult = { status: 0, output: "" };

/** A program that complains. */
export function failed(argv: readonly string[], why: string): ProgramResult {
  return { status: 1, output: `${argv[0]?.split("/").pop() ?? ""}: ${why}\n` };
}

/** What stands behind an option, e.g. `--key-file PATH`. */
export function option(argv: readonly string[], name: string): string {
  return argv[argv.indexOf(name) + 1] ?? "";
}

/** The device that a path names; ENOENT as open(2) says it. */
export function deviceAt(kernel: Kernel, path: string): BlockDevice {
  const device = kernel.blocks.get(path);
  if (device === undefined) throw fault("ENOENT");
  return device;
}

/** A step of a program that changes a device: a call of its own, under the program's name and the device's path. */
export function changeDevice(kernel: Kernel, path: string, change: (device: BlockDevice) => void): void {
  kernel.cpu.call("write", path, () => change(deviceAt(kernel, path)));
}
