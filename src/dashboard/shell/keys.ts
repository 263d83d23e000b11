import { go } from "../route/route.ts";
import { isSearching, showsKeys } from "./overlays.ts";
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

/** Keys that work on every screen; returns the function that ends it. */
export function listenToKeys(): () => void {
  let isAfterG = false;
  const press = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      isSearching.value = true;
      return;
    }
    if (!isForPage(event)) return;
    const target = isAfterG ? goKeys[event.key] : undefined;
    isAfterG = event.key === "g";
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
  "/": () => {
    isSearching.value = true;
  },
  "?": () => {
    showsKeys.value = true;
  },
  z: switchZone,
  d: switchTheme,
};

/** Whether a key is for the page: not for a field, nor for a dialog above the page, wherever the focus is, nor for the browser. */
export function isForPage({ ctrlKey, metaKey, altKey, target }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || document.querySelector("dialog[open]") !== null) return false;
  return !(target instanceof HTMLElement && target.matches("input, textarea, select"));
}
