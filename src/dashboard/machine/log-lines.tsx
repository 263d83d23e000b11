import { useLayoutEffect, useRef } from "preact/hooks";
import type { LogView } from "../../contract/operator/views.ts";
import { useAnswer } from "../data/query.ts";
import { FaultNote } from "../parts/fault.tsx";
import { zone } from "../shell/preferences.ts";
import { logText } from "./log-text.ts";

/** The latest lines of init or the agent, the newest in sight until one scrolls away from it. */
export function LogLines({ route }: { route: string }) {
  const { value, fault } = useAnswer<LogView>(`${route}/log`, 1000);
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  const lines = value?.lines ?? [];
  useLayoutEffect(() => {
    if (box.current !== null && follows.current) box.current.scrollTop = box.current.scrollHeight;
  }, [value]);
  return (
    <>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {(value?.unreached ?? []).map((server) => (
        <p key={server} class="mark">
          ▲ server {server} did not answer: lines that it keeps are missing
        </p>
      ))}
      <pre
        ref={box}
        class="lines"
        tabIndex={0}
        role="log"
        aria-label="log lines"
        aria-live="off"
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          follows.current = scrollTop + clientHeight > scrollHeight - 30;
        }}
      >
        {value === undefined ? "reading …" : lines.length === 0 ? "no lines were kept" : logText(value, zone.value)}
      </pre>
    </>
  );
}
