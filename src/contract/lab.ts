/**
 * The messages between `birther lab` and a running virtual rack: one JSON object per line on the Unix socket `lab.sock`
 * in the demo's directory.
 */
import * as v from "valibot";
import { text } from "./bounded-values.ts";

/** Where other terminals find a running demo: a link to its directory, which holds `lab.sock` and `state/api.sock`. */
export const runningDemo = "/run/birther/demo";
export const labSocketName = "lab.sock";

/** Everything that can be done to a machine of the rack by hand. */
export const labVerbs = ["list", "reset", "power-on", "power-off", "power-cut", "pause", "resume"] as const;
export type LabVerb = (typeof labVerbs)[number];

export const labRequest = v.strictObject({
  verb: v.picklist(labVerbs),
  /** The machine's name in the rack, or its MAC; every verb but `list` needs it. */
  machine: v.exactOptional(text),
});
export type LabRequest = v.InferOutput<typeof labRequest>;

export const labMachine = v.strictObject({
  name: text,
  mac: text,
  firmware: v.picklist(["bios", "uefi"]),
  power: v.picklist(["on", "paused", "off"]),
  /** The switch port it hangs on. */
  port: text,
  consoleLog: text,
  consoleSocket: text,
});
export type LabMachineView = v.InferOutput<typeof labMachine>;

export const labAnswer = v.variant("kind", [
  /** The machines of the request, in their new state. */
  v.strictObject({ kind: v.literal("done"), machines: v.array(labMachine) }),
  v.strictObject({ kind: v.literal("refused"), message: text, next: text }),
]);
export type LabAnswer = v.InferOutput<typeof labAnswer>;
