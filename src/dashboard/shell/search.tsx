import { useSignal } from "@preact/signals";
import { fleetFault, fleetRows } from "../data/fleet.ts";
import type { Row } from "../data/row.ts";
import { Dialog } from "../parts/dialog.tsx";
import { go, machinePath } from "../route/route.ts";
import { goKeys } from "./keys.ts";
import { isSearching } from "./overlays.ts";

type Hit = { readonly to: string; readonly text: string; readonly about: string };
const hitLimit = 12;

/** Finds machines by name, id, MAC address, address or slot, and screens by name; the arrows choose, Enter opens. */
export function Search() {
  const text = useSignal("");
  const chosen = useSignal(0);
  const hits = hitsFor(text.value.trim().toLowerCase());
  const close = () => {
    isSearching.value = false;
  };
  const open = (hit: Hit | undefined) => {
    if (hit === undefined) return;
    close();
    go(hit.to);
  };
  const press = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by !== 0) {
      event.preventDefault();
      chosen.value = Math.max(0, Math.min(hits.length - 1, chosen.value + by));
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(hits[chosen.value]);
    }
  };
  return (
    <Dialog title="Search" onClose={close}>
      <input
        aria-label="name, id, MAC address, address, slot or screen"
        placeholder="name, MAC, address, rack/unit or screen"
        role="combobox"
        aria-expanded="true"
        aria-controls="hits"
        {...(hits.length > 0 ? { "aria-activedescendant": `hit${chosen.value}` } : {})}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          chosen.value = 0;
        }}
        onKeyDown={press}
      />
      <ul id="hits" role="listbox" aria-label="results" class="hits">
        {hits.map((hit, at) => (
          <li
            key={hit.to}
            id={`hit${at}`}
            role="option"
            aria-selected={at === chosen.value}
            onClick={() => open(hit)}
            onKeyDown={press}
          >
            <span>{hit.text}</span> <small>{hit.about}</small>
          </li>
        ))}
      </ul>
      <p role="status">
        {hits.length > 0 ? "" : fleetFault.value === "loading" ? "reading the machines…" : "nothing found"}
      </p>
    </Dialog>
  );
}

function hitsFor(text: string): Hit[] {
  const hits: Hit[] = Object.values(goKeys)
    .filter(({ name }) => name.toLowerCase().includes(text))
    .map(({ to, name }) => ({ to, text: name, about: "screen" }));
  if (text === "") return hits;
  const ranked: { readonly rank: number; readonly hit: Hit }[] = [];
  for (const row of fleetRows().values()) {
    const words = wordsOf(row);
    const matched = words.find((word) => word === text) ?? words.find((word) => word.includes(text));
    if (matched === undefined) continue;
    const rank = matched === text ? 0 : matched.startsWith(text) ? 1 : 2;
    const about = matched === row.name.toLowerCase() ? row.status : matched;
    ranked.push({ rank, hit: { to: machinePath(row.name), text: row.name, about } });
  }
  // A whole name or slot comes first, however many others contain it.
  const found = ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, hitLimit)
    .map(({ hit }) => hit);
  // The server also knows MAC addresses, addresses and ids.
  const exact =
    /^[0-9a-f.:-]{7,40}$/.test(text) && found.length === 0
      ? [{ to: machinePath(text), text, about: "address or id" }]
      : [];
  return [...found, ...exact, ...hits];
}

function wordsOf(row: Row): string[] {
  const slot = row.rack === undefined ? [] : [`${row.rack}/${row.unit ?? ""}`.toLowerCase()];
  return [row.name.toLowerCase(), row.id, ...slot];
}
