import type { PacketView } from "../../contract/operator/views.ts";
import { useAnswer } from "../data/query.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Time } from "../parts/time.tsx";
import { hexLines } from "./hex-lines.ts";

/** The latest DHCP and TFTP packets of the machine, decoded, with their bytes on demand. */
export function Packets({ route, shown }: { route: string; shown: string }) {
  const { value, fault } = useAnswer<{ packets: readonly PacketView[] }>(`${route}/packets`, 2000);
  if (fault !== undefined) return <FaultNote fault={fault} />;
  if (value === undefined) return <p role="status">reading …</p>;
  const { packets } = value;
  if (packets.length === 0) return <p>No packets are kept: the server has seen none since its start.</p>;
  return (
    <>
      <p>
        <a href={`${route}/packets.pcap`} download={`${shown}.pcap`}>
          Download as pcap
        </a>{" "}
        for Wireshark and tcpdump
      </p>
      <PacketTable packets={packets} />
    </>
  );
}

function PacketTable({ packets }: { packets: readonly PacketView[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Way</th>
          <th scope="col">Packet</th>
          <th scope="col">From – to</th>
          <th scope="col">What it says</th>
        </tr>
      </thead>
      <tbody>
        {packets.map((packet, at) => (
          <PacketRow key={`${packet.atMs} ${at}`} packet={packet} />
        ))}
      </tbody>
    </table>
  );
}

function PacketRow({
  packet: { atMs, direction, protocol, kind, source, destination, facts, bytes },
}: {
  packet: PacketView;
}) {
  return (
    <tr>
      <td>
        <Time atMs={atMs} />
      </td>
      <td>{direction === "in" ? "← from it" : "→ to it"}</td>
      <td>
        {protocol} {kind}
      </td>
      <td class="mono">
        {source.address}:{source.port} – {destination.address}:{destination.port}
      </td>
      <td>
        {facts.join(", ")}
        <details>
          <summary>bytes</summary>
          <pre>{hexLines(Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0))).join("\n")}</pre>
        </details>
      </td>
    </tr>
  );
}
