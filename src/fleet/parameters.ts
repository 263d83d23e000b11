/**
 * Everything that is simulated instead of run: links, disks, processors and firmware. Each value says where it comes from;
 * *assumed* means that nobody has measured it for this table.
 */
export type Parameter = { readonly value: number; readonly unit: string; readonly source: string };

const gigabit = 125_000_000;
const mega = 1_000_000;

export const parameterTable = {
  machineLink: { value: 25 * gigabit, unit: "bytes/s", source: "--nic" },
  rackUplink: { value: 100 * gigabit, unit: "bytes/s", source: "--rack-uplink" },
  serverLink: { value: 10 * gigabit, unit: "bytes/s", source: "--server-nic" },
  mirrorLink: { value: 10 * gigabit, unit: "bytes/s", source: "--mirror-nic" },
  serverSendsImages: {
    value: 3048 * mega,
    unit: "bytes/s",
    source: "ports.images (nginx) to one client, bench/images on 2 idle cores over loopback; --server-sends",
  },
  serverSendsCpu: {
    value: 0.14,
    unit: "ms of CPU per MB",
    source: "the same run: 0.11 with one client, 0.17 with 64; in a process of its own, which holds up nobody",
  },
  serverSendsBoot: { value: 3380 * mega, unit: "bytes/s", source: "bench/http, docs/boot-server-speed.md" },
  latency: { value: 0.2, unit: "ms", source: "one way within a data centre: assumed" },
  latencySpread: {
    value: 1,
    unit: "share",
    source: "a datagram takes up to this much longer, so that another server may answer first: assumed",
  },
  packetLoss: { value: 0, unit: "share of datagrams", source: "--loss" },
  powerSpread: { value: 2000, unit: "ms", source: "power supplies of one rack start within this time: assumed" },
  firmware: { value: 90_000, unit: "ms", source: "server firmware, power to its first DHCP request: assumed" },
  firmwareSpread: { value: 0.3, unit: "share", source: "machines differ by up to this share either way: assumed" },
  loaderStart: { value: 3000, unit: "ms", source: "iPXE start and link-up until its own DHCP request: assumed" },
  tftpRate: { value: 2 * mega, unit: "bytes/s", source: "one block per round trip of firmware (RFC 1350): assumed" },
  loaderFetch: {
    value: 250 * mega,
    unit: "bytes/s",
    source: "what iPXE takes of kernel and initramfs over HTTP, with the driver of the firmware: assumed",
  },
  loaderBytes: { value: 284_672, unit: "bytes", source: "snponly.efi of Debian 13's ipxe" },
  kernelBytes: { value: 12_179_392, unit: "bytes", source: "vmlinuz of Debian 13, docs/bootstrap-image.md" },
  initramfsBytes: {
    value: 11_070_000,
    unit: "bytes",
    source: "initramfs of the default Bootstrap Image (Debian 13), docs/bootstrap-image.md, rounded",
  },
  kernelStart: { value: 8000, unit: "ms", source: "kernel to init: measured under TCG, so hardware is faster" },
  scan: { value: 3000, unit: "ms", source: "hardware scan and disk settling: assumed" },
  lldp: {
    value: 30_000,
    unit: "ms",
    source: "switches announce every 30 s (802.1AB, msgTxInterval); it runs with the burn-in",
  },
  burnIn: { value: 300_000, unit: "ms", source: "--burn-in" },
  keys: { value: 2000, unit: "ms", source: "disk key and its place: assumed" },
  partition: { value: 4000, unit: "ms", source: "partitions, LUKS2, file systems: assumed" },
  populate: { value: 4000, unit: "ms", source: "boot loader, agent, settings: assumed" },
  scanTree: { value: 1000, unit: "ms", source: "agent's scan of an empty root: assumed" },
  diskWrite: { value: 1000 * mega, unit: "bytes/s", source: "an NVMe disk under LUKS2: assumed; --disk" },
  agentFetch: {
    value: 234 * mega,
    unit: "bytes/s",
    source: "fetch and placement of one agent, bench/images on 2 idle cores, in memory; --agent-fetch",
  },
  peerSendsCpu: {
    value: 0.13,
    unit: "ms of CPU per MB",
    source:
      "birther-peer, natively over loopback, bench/calibrate; counts for virtual machines, which share processors",
  },
  place: { value: 5000, unit: "ms", source: "an update places fetched contents by rename: assumed" },
  shutdown: { value: 2000, unit: "ms", source: "agent to reset: assumed" },
  systemStart: { value: 15_000, unit: "ms", source: "GRUB, kernel and systemd to the agent's first poll: assumed" },
  commit: { value: 2, unit: "ms", source: "one transaction with fsync on an SSD: assumed; bench/mdb prints yours" },
  serverDhcp: {
    value: 0.03,
    unit: "ms of CPU",
    source: "bench/dhcp: 18,913 exchanges of two answers a second with new machines",
  },
  serverTurn: {
    value: 7,
    unit: "ms",
    source:
      "DHCP and boot scripts wait at most so long for others: what a turn of the event loop begins, docs/scale.md",
  },
  serverScript: { value: 0.5, unit: "ms of CPU", source: "one HTTP request with an order: assumed" },
  serverHandshake: {
    value: 0.8,
    unit: "ms of CPU",
    source: "TLS 1.3 with ECDSA P-256 in Node: 0.9 measured with a request that does nothing",
  },
  serverRequest: {
    value: 0.47,
    unit: "ms of CPU",
    source: "bench/arrival, SQLite: 12.3 ms of its thread a birth, less DHCP, script and handshakes, by 19 requests",
  },
  serverShares: {
    value: 0.12,
    unit: "ms of CPU",
    source: "each change costs each of several servers so much more: bench/arrival, two on PostgreSQL, against SQLite",
  },
} as const satisfies { readonly [name: string]: Parameter };

export type ParameterName = keyof typeof parameterTable;
/** The values of one simulation. */
export type Parameters = { readonly [Name in ParameterName]: number };

export const parameterNames = Object.keys(parameterTable) as readonly ParameterName[];

/** The values of the table, with these instead of some. */
export function parametersWith(changes: { readonly [Name in ParameterName]?: number | undefined }): Parameters {
  const values = parameterNames.map((name) => [name, changes[name] ?? parameterTable[name].value]);
  return Object.fromEntries(values) as Parameters;
}
