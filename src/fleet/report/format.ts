/** A time of virtual milliseconds, as `23 min 5 s`. */
export function formatTime(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60)
    return ms < 10_000 ? `${(ms / 1000).toFixed(ms < 100 ? 4 : 1).replace(/\.?0+$/, "") || "0"} s` : `${seconds} s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return `${minutes} min ${seconds % 60} s`;
}

/** A short duration: milliseconds below ten seconds. */
export function formatShort(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : formatTime(ms);
}

/** Bytes with a decimal unit. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit]}`;
}

export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}
