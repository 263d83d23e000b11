import { feedState, heardAtMs } from "../data/feed.ts";
import { fleetFault } from "../data/fleet.ts";
import { closeSession, session } from "../data/session.ts";
import { Link } from "../parts/link.tsx";
import { screen } from "../route/route.ts";
import { durationText } from "../text/time.ts";
import { nowMs } from "./clock.ts";
import { goKeys } from "./keys.ts";
import { isSearching, showsKeys } from "./overlays.ts";
import { switchTheme, switchZone, theme, zone } from "./preferences.ts";

/** The ways to all screens, the age of what is shown, and who is logged in. */
export function Header() {
  const current = screen.value === "" ? "/" : `/${screen.value}`;
  const held = session.value;
  return (
    <header class="top">
      <a href="#main" class="skip">
        skip to the content
      </a>
      <nav aria-label="screens">
        {Object.values(goKeys).map(({ to, name }) => (
          <Link key={to} to={to} current={current === to}>
            {name}
          </Link>
        ))}
      </nav>
      <DataAge />
      <div class="tools">
        <button
          type="button"
          onClick={() => {
            isSearching.value = true;
          }}
        >
          Search <kbd>/</kbd>
        </button>
        <button type="button" onClick={switchZone} title="zone of all times (z)">
          {zone.value}
        </button>
        <button type="button" onClick={switchTheme} title="colours (d)">
          {theme.value}
        </button>
        <button
          type="button"
          aria-label="keys"
          onClick={() => {
            showsKeys.value = true;
          }}
        >
          ?
        </button>
        <span class="who">{typeof held === "object" ? `${held.name}, ${held.role}` : ""}</span>
        <button type="button" onClick={closeSession}>
          Log out
        </button>
      </div>
    </header>
  );
}

/** How old the data on the screen is; while the feed is cut, everything below is grey. */
function DataAge() {
  const fault = fleetFault.value;
  const state = feedState.value;
  const isLive = fault === undefined && state === "live";
  // Read for its ticks.
  const ageMs = nowMs.value === 0 ? 0 : performance.now() - heardAtMs.value;
  const text =
    fault === "loading"
      ? "reading the fleet …"
      : fault !== undefined
        ? `no data: ${fault.detail}`
        : isLive
          ? "live"
          : heardAtMs.value === 0
            ? "connecting …"
            : `cut: data is ${durationText(ageMs)} old, reconnecting …`;
  return (
    <p class={isLive ? "age live" : "age cut"} role="status" data-feed={isLive ? "live" : "cut"}>
      <span aria-hidden="true">{isLive ? "●" : "○"}</span> {text}
    </p>
  );
}
