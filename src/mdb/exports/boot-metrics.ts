import type { NetworkView } from "../../contract/operator/views.ts";
import type { TrafficView } from "../../contract/traffic.ts";
import type { MetricFamily, Sample } from "../../core/export/exposition.ts";

type Counts = { readonly [kind: string]: number };

/** The metrics of the Boot Server: its networks and pools, and its TFTP and HTTP traffic. */
export function bootMetrics(networks: readonly NetworkView[], traffic: TrafficView): MetricFamily[] {
  return [...requestMetrics(networks), ...poolMetrics(networks), ...trafficMetrics(traffic)];
}

/** A sample per network. */
const eachOf = (networks: readonly NetworkView[], value: (network: NetworkView) => number): Sample[] =>
  networks.map((network) => ({ labels: { network: network.name }, value: value(network) }));

function requestMetrics(networks: readonly NetworkView[]): MetricFamily[] {
  const eachBy = (label: string, counts: (network: NetworkView) => Counts): Sample[] =>
    networks.flatMap((network) => labelled(counts(network), label, { network: network.name }));
  return [
    {
      name: "birther_network_served",
      help: "1 if the server answers requests, 0 if another DHCP server prevents it.",
      kind: "gauge",
      samples: eachOf(networks, ({ notServed }) => (notServed === undefined ? 1 : 0)),
    },
    {
      name: "birther_dhcp_received_total",
      help: "DHCP and PXE messages received.",
      kind: "counter",
      samples: eachOf(networks, ({ received }) => received),
    },
    {
      name: "birther_pxe_answers_total",
      help: "DHCP and PXE answers, by the step that they give the machine.",
      kind: "counter",
      samples: eachBy("answer", ({ answers }) => answers),
    },
    {
      name: "birther_dhcp_unanswered_total",
      help: "DHCP and PXE messages without an answer, by reason.",
      kind: "counter",
      samples: eachBy("reason", ({ unanswered }) => unanswered),
    },
    {
      name: "birther_dhcp_malformed_total",
      help: "Datagrams that are not valid DHCP messages, by fault.",
      kind: "counter",
      samples: eachBy("fault", ({ malformed }) => malformed),
    },
  ];
}

function poolMetrics(networks: readonly NetworkView[]): MetricFamily[] {
  return [
    {
      name: "birther_pool_addresses",
      help: "Addresses of the temporary pool.",
      kind: "gauge",
      samples: eachOf(networks, ({ pool }) => pool.size),
    },
    {
      name: "birther_pool_held_addresses",
      help: "Addresses of the temporary pool leased to a machine.",
      kind: "gauge",
      samples: eachOf(networks, ({ pool }) => pool.held),
    },
    {
      name: "birther_pool_declined_addresses",
      help: "Addresses declined because a machine found another host using them.",
      kind: "gauge",
      samples: eachOf(networks, ({ declined }) => declined.length),
    },
    {
      name: "birther_pool_exhausted",
      help: "1 while the pool is exhausted and machines get no address.",
      kind: "gauge",
      samples: eachOf(networks, ({ pool }) => (pool.exhaustedSinceMs === undefined ? 0 : 1)),
    },
  ];
}

function trafficMetrics({ tftp, http }: TrafficView): MetricFamily[] {
  return [
    {
      name: "birther_tftp_transfers_total",
      help: "TFTP transfers, by result.",
      kind: "counter",
      samples: labelled(tftp.transfers, "end"),
    },
    {
      name: "birther_tftp_sent_bytes_total",
      help: "Bytes of files sent completely over TFTP.",
      kind: "counter",
      samples: [{ value: tftp.bytes }],
    },
    {
      name: "birther_http_answers_total",
      help: "Plain HTTP answers to machines, by status; aborted if the client disconnected.",
      kind: "counter",
      samples: labelled(http.answers, "status"),
    },
    {
      name: "birther_http_sent_bytes_total",
      help: "Bytes sent to machines over plain HTTP.",
      kind: "counter",
      samples: [{ value: http.bytes }],
    },
  ];
}

function labelled(counts: Counts, label: string, others: { readonly [name: string]: string } = {}): Sample[] {
  return Object.entries(counts).map(([kind, value]) => ({ labels: { ...others, [label]: kind }, value }));
}
