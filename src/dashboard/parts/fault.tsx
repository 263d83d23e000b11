import type { Fault } from "../data/http.ts";

/** Why something failed, and what to do. */
export function FaultNote({ fault }: { fault: Fault }) {
  return (
    <div class="fault" role="alert">
      <strong>{fault.title}</strong>
      <p>{fault.detail}</p>
      <p>{fault.next}</p>
    </div>
  );
}
