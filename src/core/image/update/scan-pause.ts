/** More scans in a row than any update needs: one of each kind, and one that was interrupted. */
const usualScans = 3;
const longestSeconds = 60;

/**
 * Seconds to wait after the n-th scan in a row without any other directive: a server that does not understand what it
 * asked for must not keep machine and server busy.
 */
export function scanPauseSeconds(scans: number): number {
  return scans <= usualScans ? 0 : Math.min(longestSeconds, 2 ** (scans - usualScans));
}
