/** What can go wrong with a machine. `recovers`: without a person, by the code under test. */
export const machineFaults = {
  hangsOnce: { recovers: true, text: "hangs during its burn-in; its watchdog resets it" },
  bootLoops: { recovers: true, text: "restarts three times before its kernel comes up" },
  slowDisk: { recovers: true, text: "its disk writes at a tenth of the rate" },
  lyingPeer: { recovers: true, text: "serves wrong contents to other machines" },
  lyingDisk: { recovers: true, text: "its disk returns other bytes than were written: its burn-in fails" },
  swappedCables: {
    recovers: true,
    text: "its cable and its neighbour's are swapped: each is born under the other's name",
  },
  wrongPort: { recovers: false, text: "its cable is in a switch port that no placement rule matches" },
  duplicateMac: { recovers: false, text: "its NIC has the MAC address of another machine" },
  dead: { recovers: false, text: "never sends a request" },
} as const;

export type MachineFaultKind = keyof typeof machineFaults;
export const machineFaultKinds = Object.keys(machineFaults) as readonly MachineFaultKind[];

/** What a file of faults may say; times in milliseconds. Racks, units and servers count from 1. */
export type Fault =
  | { readonly kind: MachineFaultKind; readonly rack: number; readonly unit: number }
  /** The server's process dies and starts again. */
  | { readonly kind: "serverDies"; readonly server: number; readonly atMs: number; readonly forMs: number }
  /** The rack's switch restarts: nothing passes its uplink. */
  | { readonly kind: "switchReboots"; readonly rack: number; readonly atMs: number; readonly forMs: number }
  /** All machines of these racks lose their power. */
  | { readonly kind: "powerCut"; readonly racks: readonly number[]; readonly atMs: number; readonly forMs: number };

export type MachineFault = Extract<Fault, { readonly kind: MachineFaultKind }>;

/** Whether a fault concerns one machine. */
export function isMachineFault(fault: Fault): fault is MachineFault {
  return fault.kind in machineFaults;
}
