import { go } from "../route/route.ts";
import { isSearching, openSearch, searchText, showsKeys } from "./overlays.ts";
import { switchTheme, switchZone } from "./preferences.ts";

/** The screens that `g` and a second key go to. */
export const goKeys: { readonly [key: string]: { readonly to: string; readonly name: string } } = {
  a: { to: "/", name: "Arrival" },
  w: { to: "/wrong", name: "What is wrong" },
  m: { to: "/machines", name: "Machines" },
  i: { to: "/images", name: "Images" },
  n: { to: "/networks", name: "Networks" },
  u: { to: "/audit", name: "Audit" },
  t: { to: "/tokens", name: "Tokens" },
};

const sequenceMs = 1500;

/** Keys that work on every screen; returns the function that ends it. */
export function listenToKeys(): () => void {
  let goUntilMs = 0;
  const press = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      openSearch();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (isSearching.value) {
      // Its field is not there yet.
      if (event.key.length === 1) searchText.value += event.key;
      event.preventDefault();
      return;
    }
    const target = performance.now() < goUntilMs ? goKeys[event.key] : undefined;
    goUntilMs = event.key === "g" ? performance.now() + sequenceMs : 0;
    if (target !== undefined) {
      event.preventDefault();
      go(target.to);
      return;
    }
    const act = plainKeys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}

const plainKeys: { readonly [key: string]: () => void } = {
  "/": openSearch,
  "?": () => {
    showsKeys.value = true;
  },
  z: switchZone,
  d: switchTheme,
};

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.matches("input, textarea, select") || target.closest("dialog[open]") !== null)
  );
}
