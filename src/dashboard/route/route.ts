import { computed, signal } from "@preact/signals";
import { type Screen, screenOf } from "../../contract/operator/screens.ts";

type Place = { readonly pathname: string; readonly query: URLSearchParams };

const place = signal<Place>(currentPlace());
addEventListener("popstate", () => {
  place.value = currentPlace();
});

/** The screen that the address names. */
export const screen = computed<Screen>(() => screenOf(place.value.pathname) ?? "");
/** The machine that the address names. */
export const machineName = computed(() => decode(place.value.pathname.slice("/m/".length)));

/** A parameter of the address; empty if it has none. */
export function parameter(key: string): string {
  return place.value.query.get(key) ?? "";
}

/** Goes to another address of the dashboard. */
export function go(to: string): void {
  history.pushState(null, "", to);
  place.value = currentPlace();
}

/** Changes parameters of the address: the URL is the state of the screen. An empty value removes one. */
export function setParameters(given: { readonly [key: string]: string }): void {
  const query = new URLSearchParams(place.value.query);
  for (const [key, value] of Object.entries(given)) {
    if (value === "") query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  history.replaceState(null, "", place.value.pathname + (text === "" ? "" : `?${text}`));
  place.value = currentPlace();
}

/** The address of a machine's screen. */
export function machinePath(name: string): string {
  return `/m/${encodeURIComponent(name)}`;
}

/** The address of the list of the machines that a selector finds. */
export function listPath(where: string): string {
  return `/machines?${new URLSearchParams({ w: where })}`;
}

function currentPlace(): Place {
  return { pathname: location.pathname, query: new URLSearchParams(location.search) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
