import { systemTree } from "../tree.ts";

/** Whether a disk `sdX` speaks ATA behind SCSI: what libata and SAS adapters say of it (SAT-4 §8.1.2). */
export function isAtaDisk(name: string): boolean {
  return systemTree.text(`/sys/block/${name}/device/vendor`).trim() === "ATA";
}
