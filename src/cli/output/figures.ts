/** A duration with sensible precision: `850 ms`, `3.4 s`, `12 min`, `5 h`, `3 d`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(ms < 20_000 ? 1 : 0)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

/** A size in binary units: `512 B`, `1.2 MiB`, `8.0 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** The local time, with the date unless it is today, and with its zone if that is another one than now (summer time). */
export function formatTime(atMs: number, nowMs = Date.now()): string {
  const isToday = new Date(nowMs).toDateString() === new Date(atMs).toDateString();
  const [, time = ""] = formatDateTime(atMs).split(" ");
  const zone = zoneAt(atMs) === zoneAt(nowMs) ? "" : ` ${zoneAt(atMs)}`;
  return `${isToday ? time : formatDateTime(atMs)}${zone}`;
}

/** The local time as `formatTime` has it, with its zone. */
export function formatTimeZone(atMs: number, nowMs = Date.now()): string {
  const zone = zoneAt(atMs) === zoneAt(nowMs) ? ` ${zoneAt(atMs)}` : "";
  return `${formatTime(atMs, nowMs)}${zone}`;
}

/** The local date and time. */
export function formatDateTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** The zone of local times at a moment, such as `UTC` or `UTC+01:00`. */
export function zoneAt(atMs: number): string {
  const east = -new Date(atMs).getTimezoneOffset();
  if (east === 0) return "UTC";
  const two = (value: number) => String(value).padStart(2, "0");
  const ahead = Math.abs(east);
  return `UTC${east < 0 ? "-" : "+"}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}

/** The title of a column of local times, which names their zone. */
export function timeTitle(nowMs = Date.now(), title = "TIME"): string {
  return `${title} (${zoneAt(nowMs)})`;
}
