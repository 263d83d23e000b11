import { useLayoutEffect, useRef } from "preact/hooks";
import type { MachineView } from "../../contract/operator/views.ts";
import type { Siblings } from "../../core/fleet/siblings.ts";
import type { Why } from "../../core/machine/health/waiting-for.ts";
import { acting } from "../acts/acting.ts";
import { useAnswer } from "../data/query.ts";
import { mayAct } from "../data/session.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { conditionGlyphs } from "../parts/mark.tsx";
import { Progress } from "../parts/progress.tsx";
import { Age, Time } from "../parts/time.tsx";
import { machineName, parameter, setParameters } from "../route/route.ts";
import { commandLine } from "../text/shell-word.ts";
import { Audit } from "./audit.tsx";
import { BurnIn } from "./burn-in.tsx";
import { Events } from "./events.tsx";
import { Hardware } from "./hardware.tsx";
import { LogLines } from "./log-lines.tsx";
import { Packets } from "./packets.tsx";
import { Timeline } from "./timeline.tsx";

const tabs = {
  log: { title: "Log", verb: "log" },
  packets: { title: "Packets", verb: "packets" },
  "burn-in": { title: "Burn-in", verb: "burnin" },
  hardware: { title: "Hardware and disks", verb: "show" },
  events: { title: "Events", verb: "events" },
  audit: { title: "Audit", verb: "audit" },
} as const;
type Tab = keyof typeof tabs;

/** One machine: what it waits for, how its birth went, and everything that is known of it. */
export function MachineScreen() {
  const name = machineName.value;
  const route = `/v1/machines/${encodeURIComponent(name)}`;
  const { value: machine, fault } = useAnswer<MachineView>(route, 1000);
  const why = useAnswer<Why>(`${route}/why`, 1000);
  const siblings = useAnswer<Siblings>(`${route}/siblings`, 3000);
  if (machine === undefined)
    return fault === undefined ? <p role="status">reading {name} …</p> : <FaultNote fault={fault} />;
  const shown = machine.hostname ?? machine.id;
  return (
    <section class="machine" aria-label={shown}>
      <Head machine={machine} shown={shown} />
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {why.value === undefined ? null : <WhyLine why={why.value} />}
      <Command text={commandLine("birther", "why", shown)} />
      {siblings.fault === undefined ? null : <FaultNote fault={siblings.fault} />}
      <Timeline generation={machine.generation} siblings={siblings.value} />
      <Tabs route={route} machine={machine} siblings={siblings.value} shown={shown} />
    </section>
  );
}

type Shown = { readonly route: string; readonly machine: MachineView; readonly siblings: Siblings | undefined };

function Tabs({ shown, ...of }: Shown & { readonly shown: string }) {
  const names = (Object.keys(tabs) as Tab[]).filter((one) => one !== "audit" || mayAct("operator"));
  const tab = names.find((one) => one === parameter("tab")) ?? "log";
  const open = (one: Tab) => setParameters({ tab: one === "log" ? "" : one });
  const bar = useRef<HTMLDivElement>(null);
  const isChosen = parameter("tab") !== "";
  const isWhole = of.siblings !== undefined;
  // The phases fill a small screen: what was chosen comes into sight, when what stands above it is there.
  useLayoutEffect(() => {
    const top = bar.current?.getBoundingClientRect().top ?? 0;
    if (isChosen && isWhole && top > innerHeight / 2) bar.current?.scrollIntoView({ block: "start" });
  }, [tab, isChosen, isWhole]);
  const press = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = names[(names.indexOf(tab) + by + names.length) % names.length];
    if (by === 0 || next === undefined) return;
    event.preventDefault();
    open(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <>
      <div ref={bar} class="tabs" role="tablist" aria-label={`more of ${shown}`} onKeyDown={press}>
        {names.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`tab-${one}`}
            aria-selected={one === tab}
            aria-controls="panel"
            tabIndex={one === tab ? 0 : -1}
            onClick={() => open(one)}
          >
            {tabs[one].title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby={`tab-${tab}`}>
        <Panel tab={tab} {...of} />
        <Command text={commandLine("birther", tabs[tab].verb, shown)} />
      </div>
    </>
  );
}

function Panel({ tab, route, machine, siblings }: Shown & { readonly tab: Tab }) {
  switch (tab) {
    case "log":
      return <LogLines route={route} />;
    case "packets":
      return <Packets route={route} shown={machine.hostname ?? machine.id} />;
    case "burn-in":
      return <BurnIn machine={machine} siblings={siblings} />;
    case "hardware":
      return <Hardware machine={machine} />;
    case "events":
      return <Events route={route} />;
    case "audit":
      return <Audit about={machine.id} />;
  }
}

function Head({ machine, shown }: { machine: MachineView; shown: string }) {
  const { location, state, phase, phaseAtMs, conditions, runningImage, requiredImage } = machine;
  const place =
    location === undefined
      ? "not placed"
      : `rack ${location.rack ?? "?"} unit ${location.unit ?? "?"} (${location.switch} ${location.port})`;
  const address = machine.permanentAddress ?? machine.temporaryAddress;
  return (
    <>
      <div class="bar">
        <h1>{shown}</h1>
        <span>
          {state}, {phase ?? "no phase"}
          {phaseAtMs === undefined ? "" : " for "}
          {phaseAtMs === undefined ? null : <Age atMs={phaseAtMs} />}
        </span>
        {mayAct("operator") ? (
          <button
            type="button"
            onClick={() => {
              acting.value = { targets: [{ id: machine.id, name: shown }] };
            }}
          >
            Act …
          </button>
        ) : null}
      </div>
      <p class="quiet">
        {place} · {address ?? "no address"} · {machine.macs.join(", ")} · {runningImage ?? "no image"}
        {requiredImage !== undefined && requiredImage !== runningImage ? ` (to get ${requiredImage})` : ""} · last heard{" "}
        <Time atMs={machine.lastSeenAtMs} />
      </p>
      {machine.progress === undefined ? null : (
        <p>
          <Progress progress={machine.progress} />, heard <Age atMs={machine.progress.atMs} /> ago
        </p>
      )}
      {conditions.map(({ kind, reason, sinceMs }) => (
        <p key={kind} class={`mark ${kind}`}>
          {conditionGlyphs[kind] ?? "•"} {kind} for <Age atMs={sinceMs} />: {reason}
        </p>
      ))}
    </>
  );
}

function WhyLine({ why }: { why: Why }) {
  const { missing, sinceMs, byMs, overdue, evidence, next } = why;
  return (
    <div class={overdue ? "why overdue" : "why"}>
      <p>
        <strong>{missing === undefined ? "It waits for nothing" : `It waits until ${missing}`}</strong>, since{" "}
        <Time atMs={sinceMs} />
        {byMs === undefined ? "" : ", expected by "}
        {byMs === undefined ? null : <Time atMs={byMs} />}
        {overdue ? " – overdue" : ""}
      </p>
      <p>
        <strong>Next:</strong> {next}
      </p>
      {evidence.length === 0 ? null : (
        <details>
          <summary>Evidence</summary>
          <ul>
            {evidence.map((line, at) => (
              <li key={`${at} ${line}`}>{line}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
