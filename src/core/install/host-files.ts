import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { type MachineVolumes, volumesOption } from "./machine-volumes.ts";
import { type HostNetworkPlan, networkFiles } from "./network-files.ts";
import { type HostFile, rootPaths } from "./paths.ts";

/** A symbolic link to create. */
export type HostLink = { readonly path: string; readonly target: string };

/** The facts in the machine-specific files. */
export type HostFacts = {
  readonly hostname: string;
  readonly mac: Mac;
  /** Dotted quads. */
  readonly address: Ipv4;
  readonly prefixLength: number;
  readonly gateway?: Ipv4;
  readonly nameservers: readonly Ipv4[];
  /** `/dev/mapper/…` or `PARTUUID=…`. */
  readonly rootSource: string;
  readonly bootPartUuid: string;
  readonly espPartUuid?: string;
  /** Those of the second disk of a mirrored root. */
  readonly mirrorBootPartUuid?: string;
  readonly mirrorEspPartUuid?: string;
  /** The network, if it is more than that NIC and that address. */
  readonly network?: HostNetworkPlan;
  /** Volumes beside the root; absent if there are none. */
  readonly volumes?: MachineVolumes;
};

/** Directories that the mounts of a running system need, with their modes. */
export function hostDirectories({
  mirrorBootPartUuid,
  mirrorEspPartUuid,
}: Pick<HostFacts, "mirrorBootPartUuid" | "mirrorEspPartUuid">): readonly HostDirectory[] {
  const mirror = [
    ...(mirrorBootPartUuid === undefined ? [] : [rootPaths.mirrorBootPartition]),
    ...(mirrorEspPartUuid === undefined ? [] : [rootPaths.mirrorEsp]),
  ];
  return [...usualDirectories, ...mirror.map((path) => ({ path, mode: 0o700 }))];
}

type HostDirectory = { readonly path: string; readonly mode: number };

const usualDirectories: readonly HostDirectory[] = [
  { path: "/proc", mode: 0o555 },
  { path: "/sys", mode: 0o555 },
  { path: "/dev", mode: 0o755 },
  { path: "/run", mode: 0o755 },
  { path: "/tmp", mode: 0o1777 },
  { path: "/boot", mode: 0o755 },
  { path: "/var", mode: 0o755 },
  { path: "/etc/birther", mode: 0o700 },
  { path: rootPaths.bootPartition, mode: 0o700 },
];

/** The machine-specific files: mounts, name, network by MAC, and the agent's service. */
export function hostFiles(facts: HostFacts): readonly HostFile[] {
  const files: HostFile[] = [
    { path: "/etc/fstab", mode: 0o644, text: fstab(facts) },
    { path: "/etc/hostname", mode: 0o644, text: `${facts.hostname}\n` },
    { path: "/etc/hosts", mode: 0o644, text: hosts(facts) },
    // Empty, not missing: systemd then creates an id although / is still read-only. If the file is missing, there is no id at
    // the first boot, and networkd fails without a DUID (machine-id(5), systemd 252).
    { path: "/etc/machine-id", mode: 0o444, text: "" },
    ...(facts.network === undefined ? plainNetwork(facts) : networkFiles(facts.network)),
    { path: "/etc/systemd/system/birther-agent.service", mode: 0o644, text: agentService },
  ];
  const nameservers = [...facts.nameservers.map(formatIpv4), ...(facts.network?.permanent.ipv6?.nameservers ?? [])];
  if (facts.volumes !== undefined)
    files.push(
      { path: rootPaths.volumes, mode: 0o600, text: `${JSON.stringify(facts.volumes, null, 2)}\n` },
      { path: volumesUnit, mode: 0o644, text: volumesService },
    );
  if (nameservers.length > 0) {
    const text = nameservers.map((server) => `nameserver ${server}\n`).join("");
    files.push({ path: "/etc/resolv.conf", mode: 0o644, text });
  }
  return files;
}

/**
 * The links that `systemctl enable` would create. networkd is included: a plain image may leave it disabled, and then nothing
 * would read the .network file and the machine would have no network.
 */
export const hostLinks: readonly HostLink[] = [
  {
    path: "/etc/systemd/system/multi-user.target.wants/birther-agent.service",
    target: "/etc/systemd/system/birther-agent.service",
  },
  {
    path: "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
    target: "/lib/systemd/system/systemd-networkd.service",
  },
];

const volumesUnit = "/etc/systemd/system/birther-volumes.service";

/** The link that enables what opens the volumes, on a machine that has some. */
export const volumesLink: HostLink = {
  path: "/etc/systemd/system/local-fs.target.wants/birther-volumes.service",
  target: volumesUnit,
};

/** The running system needs neither the boot partition nor the ESP, and must come up without them. */
const notNeeded = "nofail";

function fstab(facts: HostFacts): string {
  const rows = [
    [facts.rootSource, "/", "ext4", "errors=remount-ro", "0", "1"],
    [`PARTUUID=${facts.bootPartUuid}`, rootPaths.bootPartition, "ext4", notNeeded, "0", "2"],
  ];
  const esps = [
    [facts.espPartUuid, rootPaths.esp],
    [facts.mirrorEspPartUuid, rootPaths.mirrorEsp],
  ] as const;
  for (const [uuid, point] of esps)
    if (uuid !== undefined) rows.push([`PARTUUID=${uuid}`, point, "vfat", `umask=0077,${notNeeded}`, "0", "2"]);
  if (facts.mirrorBootPartUuid !== undefined)
    rows.push([`PARTUUID=${facts.mirrorBootPartUuid}`, rootPaths.mirrorBootPartition, "ext4", notNeeded, "0", "2"]);
  return rows.map((row) => `${row.join(" ")}\n`).join("");
}

function hosts(facts: HostFacts): string {
  const ipv6 = facts.network?.permanent.ipv6?.address;
  const own = ipv6 === undefined ? "" : `${ipv6} ${facts.hostname}\n`;
  return `127.0.0.1 localhost\n${formatIpv4(facts.address)} ${facts.hostname}\n${own}::1 localhost ip6-localhost ip6-loopback\n`;
}

/** The files of a machine with one NIC and one address. */
function plainNetwork(facts: HostFacts): readonly HostFile[] {
  return [
    { path: "/etc/systemd/network/10-birther.link", mode: 0o644, text: link(facts) },
    { path: "/etc/systemd/network/10-birther.network", mode: 0o644, text: network(facts) },
  ];
}

function link(facts: HostFacts): string {
  return `[Match]\nMACAddress=${facts.mac}\nType=ether\n\n[Link]\nNamePolicy=keep kernel database onboard slot path\nMACAddressPolicy=none\n`;
}

function network(facts: HostFacts): string {
  const lines = [
    "[Match]",
    `MACAddress=${facts.mac}`,
    "Type=ether",
    "",
    "[Network]",
    `Address=${formatIpv4(facts.address)}/${facts.prefixLength}`,
    ...(facts.gateway === undefined ? [] : [`Gateway=${formatIpv4(facts.gateway)}`]),
    ...facts.nameservers.map((server) => `DNS=${formatIpv4(server)}`),
    // Keeps the switch's side of the cable readable with `networkctl lldp`.
    "LLDP=yes",
    "EmitLLDP=nearest-bridge",
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Before the services of the image start, and after the root can be written. Neither crypttab nor fstab: a plain image has no
 * cryptsetup, and no udev rules by which systemd would find the opened devices. A volume that does not open fails the unit, and
 * nothing else.
 */
const volumesService = `[Unit]
Description=Birther volumes: opens and mounts the encrypted volumes and swap of this machine
DefaultDependencies=no
After=systemd-remount-fs.service systemd-udev-trigger.service
Before=local-fs.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=30min
ExecStart=${rootPaths.agent} ${volumesOption}

[Install]
WantedBy=local-fs.target
`;

const agentService = `[Unit]
Description=Birther agent: keeps this machine at its required image
After=systemd-networkd.service
StartLimitIntervalSec=0

[Service]
ExecStart=${rootPaths.agent}
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`;
