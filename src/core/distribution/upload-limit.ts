/** How much of their links machines give to others. */
export type UploadRules = {
  /** For a machine with a workload; a twentieth of its link if undefined. */
  readonly uploadMbps?: number | undefined;
  /** For all that leaves a rack; no limit if undefined. */
  readonly rackUplinkMbps?: number | undefined;
};

/** A machine with a workload gives at most this part of its link. */
const workingPart = 0.05;
/** The link of a machine that does not say how fast it is. */
export const usualLinkMbps = 1000;
export const bytesPerMegabit = 125_000;

/** How fast a machine may send to all others together, in bytes a second; 0 is without a limit: a newborn machine has nothing else to do. */
export function uploadBytesPerSecond(
  machine: { readonly isWorking: boolean; readonly sendsFar: boolean; readonly linkMbps: number | undefined },
  { uploadMbps, rackUplinkMbps }: UploadRules,
): number {
  const { isWorking, sendsFar, linkMbps = usualLinkMbps } = machine;
  const limits = [
    ...(isWorking ? [uploadMbps ?? linkMbps * workingPart] : []),
    ...(sendsFar && rackUplinkMbps !== undefined ? [rackUplinkMbps] : []),
  ];
  return limits.length === 0 ? 0 : Math.max(1, Math.floor(Math.min(...limits) * bytesPerMegabit));
}
