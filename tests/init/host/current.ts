import type { Kernel } from "./kernel.ts";
import { endIn, type RunEnd } from "./system/run-end.ts";

/** The machine that the modules `host`, `os` and `std` act on: one at a time, because a program runs on one machine. */
let running: Kernel | undefined;

/** The current machine; throws if there is none, which is a mistake of the test. */
export function currentKernel(): Kernel {
  if (running === undefined) throw new Error("init's code was run outside of runOn: there is no machine");
  return running;
}

/** Runs a program on a machine until its run ends; any other exception is a fault of the program and is rethrown. */
export function runOn(kernel: Kernel, program: () => void): RunEnd {
  if (running !== undefined) throw new Error("a machine runs already");
  const { now } = Date;
  running = kernel;
  Date.now = () => Math.floor(kernel.cpu.realtimeMs());
  Object.assign(globalThis, {
    print: (...values: unknown[]) => kernel.cpu.call("print", "", () => void kernel.screen.push(values.join(" "))),
  });
  try {
    program();
    return { kind: "exited" };
  } catch (error) {
    const end = endIn(error);
    if (end === undefined) throw error;
    return end;
  } finally {
    running = undefined;
    Date.now = now;
  }
}
