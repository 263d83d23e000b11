import { useLayoutEffect } from "preact/hooks";
import { type Screen, screens } from "../../contract/operator/screens.ts";
import { ActDialog } from "../acts/act-dialog.tsx";
import { acting } from "../acts/acting.ts";
import { Arrival } from "../arrival/arrival.tsx";
import { followFleet } from "../data/fleet.ts";
import { findSession, session } from "../data/session.ts";
import { MachineList } from "../list/machine-list.tsx";
import { MachineScreen } from "../machine/machine.tsx";
import { screen } from "../route/route.ts";
import { AuditScreen } from "../site/audit-screen.tsx";
import { Images } from "../site/images.tsx";
import { Networks } from "../site/networks.tsx";
import { Tokens } from "../site/tokens.tsx";
import { Wrong } from "../wrong/wrong.tsx";
import { setServerTime, startClock } from "./clock.ts";
import { Header } from "./header.tsx";
import { KeyList } from "./key-list.tsx";
import { listenToKeys } from "./keys.ts";
import { Login } from "./login.tsx";
import { isSearching, showsKeys } from "./overlays.ts";
import { Search } from "./search.tsx";

/** The dashboard: the login, or the screen that the address names. */
export function App() {
  useLayoutEffect(() => {
    startClock();
    void findSession();
  }, []);
  const held = session.value;
  if (held === "asking")
    return (
      <p class="asking" role="status">
        Connecting to the server …
      </p>
    );
  if (held === "none") return <Login />;
  return <Inside serverMs={held.nowMs} />;
}

function Inside({ serverMs }: { serverMs: number }) {
  useLayoutEffect(() => {
    setServerTime(serverMs);
    const end = new AbortController();
    void followFleet(end.signal);
    const endKeys = listenToKeys();
    return () => {
      end.abort();
      endKeys();
      // The next session begins with the screen alone: what the one before had chosen is not its.
      acting.value = undefined;
      isSearching.value = false;
      showsKeys.value = false;
    };
  }, []);
  const name = screen.value;
  useLayoutEffect(() => {
    document.title = `${screens[name]} – Birther`;
  }, [name]);
  return (
    <>
      <Header />
      <main id="main" tabIndex={-1}>
        <ScreenOf name={name} />
      </main>
      {acting.value === undefined ? null : <ActDialog targets={acting.value.targets} />}
      {isSearching.value ? <Search /> : null}
      {showsKeys.value ? <KeyList /> : null}
    </>
  );
}

function ScreenOf({ name }: { name: Screen }) {
  switch (name) {
    case "":
    case "login":
      return <Arrival />;
    case "wrong":
      return <Wrong />;
    case "machines":
      return <MachineList />;
    case "m":
      return <MachineScreen />;
    case "images":
      return <Images />;
    case "networks":
      return <Networks />;
    case "audit":
      return <AuditScreen />;
    case "tokens":
      return <Tokens />;
  }
}
