import type { NetworkView } from "../../contract/operator/views.ts";
import { counted } from "../../core/bytes/counted.ts";
import { reasonCounts } from "../../core/pxe/reason-text.ts";
import { useAnswer } from "../data/query.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { Link } from "../parts/link.tsx";
import { Age, Time } from "../parts/time.tsx";
import { listPath } from "../route/route.ts";
import { countText } from "../text/time.ts";

/** The networks: pools, other DHCP servers, declined addresses, and what was answered and what not. */
export function Networks() {
  const { value, fault } = useAnswer<{ networks: readonly NetworkView[] }>("/v1/networks", 3000);
  return (
    <section>
      <h1>Networks</h1>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {(value?.networks ?? []).map((network) => (
        <Network key={network.name} network={network} />
      ))}
      <Command text="birther networks" />
    </section>
  );
}

function Network({ network }: { network: NetworkView }) {
  const { name, interface: device, nursery, mode, pool, declined } = network;
  const { first, last, size, held } = pool;
  return (
    <article class="cause">
      <h2>
        <Link to={listPath(`network=${name}`)}>{name}</Link>
      </h2>
      <p>
        {device ?? "relayed"}, mode {mode}
        {nursery ? ", nursery" : ""} · received {countText(network.received)}, answered {countText(network.answered)}
      </p>
      <p>
        Pool {first} – {last}: {countText(held)} of {countText(size)} held{" "}
        <meter
          max={size}
          value={held}
          high={size * 0.9}
          optimum={0}
          aria-label={`${held} of ${size} addresses are held`}
        />
      </p>
      <NetworkFaults network={network} />
      <p>
        Answered: {reasonCounts(network.answers, "none")} · unanswered: {reasonCounts(network.unanswered, "none")} ·
        malformed: {reasonCounts(network.malformed, "none")}
      </p>
      {declined.length === 0 ? null : (
        <p>Declined: {declined.map(({ address, mac }) => `${address} by ${mac}`).join(", ")}</p>
      )}
    </article>
  );
}

function NetworkFaults({ network: { notServed, foreignDhcp, doubtedArp, pool } }: { network: NetworkView }) {
  const { exhaustedSinceMs, refused } = pool;
  return (
    <>
      {exhaustedSinceMs === undefined ? null : (
        <p class="mark failing">
          ▲ used up for <Age atMs={exhaustedSinceMs} />; {counted(refused ?? 0, "request")} went without an address
        </p>
      )}
      {notServed === undefined ? null : <p class="mark failing">▲ not served: {notServed}</p>}
      {foreignDhcp === undefined ? null : (
        <p class="mark failing">
          ▲ another DHCP server answers: {foreignDhcp.address} {foreignDhcp.mac ?? ""}, since{" "}
          <Time atMs={foreignDhcp.sinceMs} />, last heard <Age atMs={foreignDhcp.lastMs} /> ago
        </p>
      )}
      {doubtedArp === undefined ? null : (
        <p class="mark hold">
          {doubtedArp.mac} answers ARP for too many addresses:{" "}
          {counted(doubtedArp.answers, "answer was", "answers were")} not believed
        </p>
      )}
    </>
  );
}
