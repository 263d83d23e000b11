import { signal } from "@preact/signals";
import type { Zone } from "../text/time.ts";

/** The zone that times are shown in; each browser's own. */
export const zone = signal<Zone>(localStorage.getItem("zone") === "local" ? "local" : "UTC");

/** Changes the zone of times. */
export function switchZone(): void {
  zone.value = zone.value === "UTC" ? "local" : "UTC";
  localStorage.setItem("zone", zone.value);
}

const themes = ["system", "dark", "light"] as const;
/** The colours: those of the system, or always the same. */
export const theme = signal<(typeof themes)[number]>(
  themes.find((one) => one === localStorage.getItem("theme")) ?? "system",
);

/** Changes the colours. */
export function switchTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system";
  localStorage.setItem("theme", theme.value);
  applyTheme();
}

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
systemIsDark.addEventListener("change", applyTheme);

/** Gives the page the chosen colours; the style sheet knows only light and dark. */
export function applyTheme(): void {
  const shown = theme.value === "system" ? (systemIsDark.matches ? "dark" : "light") : theme.value;
  document.documentElement.dataset.theme = shown;
}
