/** A time of day with its zone, in UTC or as the browser has it: `2026-11-30 09:41:12 UTC`. */
export function timeText(atMs: number, zone: Zone): string {
  const date = new Date(atMs);
  if (zone === "UTC") return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${clock} ${offsetText(date.getTimezoneOffset())}`;
}

/** The zone that times are shown in. */
export type Zone = "UTC" | "local";

function offsetText(minutesWest: number): string {
  const minutes = Math.abs(minutesWest);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${minutesWest > 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** A duration in its two largest units: `3 min 12 s`, `2 h 05 min`, `4 d 3 h`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A number of bytes with the unit that fits it. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A whole number with its thousands apart. */
export function countText(count: number): string {
  return count.toLocaleString("en");
}
