import type { NetworkView, PacketView } from "../contract/operator/views.ts";
import type { TrafficView } from "../contract/traffic.ts";
import { signedLoaderPaths } from "../core/boot-loader/signed-loader.ts";
import { defaultArchitecture, type MachineArchitecture, type NamedArchitecture } from "../core/machine/architecture.ts";
import type { MachineId } from "../core/machine/record.ts";
import { formatIpv4, type Ipv4 } from "../core/net/ipv4.ts";
import {
  type Network,
  networkContains,
  type ServerPorts,
  serverAddresses,
  signatureFor,
} from "../core/network/network.ts";
import type { RequestLimit } from "../core/network/request-rate.ts";
import type { Clock, IssueOrder, Log, Store } from "../core/ports.ts";
import { diskListFile, imagePaths, imagePathsOf, lastImagePath } from "../core/pxe/script/ipxe.ts";
import type { ImageFiles } from "./boot-files.ts";
import { openLocalBoots } from "./dhcp/local-boots.ts";
import { startDhcpServer } from "./dhcp/server.ts";
import { openEarlyLogIntake } from "./early-log/intake.ts";
import { type EarlyLogReceiver, openEarlyLogReceiver } from "./early-log/receiver.ts";
import { bootDiskHandler } from "./http/boot-disk-handler.ts";
import { bootScriptHandler, bootScriptWriter, grubScriptMaker, type WriteBootScript } from "./http/script-handler.ts";
import { type HttpHandler, startHttpServer, type UplinkQueue } from "./http/server.ts";
import { throughputHandler } from "./http/throughput-handler.ts";
import { type AskedFirmware, openAskedFirmware } from "./observe/asked-firmware.ts";
import { openPacketLog, type PacketLog } from "./observe/packet-log.ts";
import { viewPacket } from "./observe/packet-view.ts";
import { phaseReporter } from "./observe/phase-reporter.ts";
import { openTraffic, type Traffic } from "./observe/traffic.ts";
import type { SeenTftp } from "./tftp/requests.ts";
import { startTftpServer } from "./tftp/server.ts";

/** A running Boot Server, and what operators can read from it. */
export type BootServer = AsyncDisposable & {
  readonly networks: () => readonly NetworkView[];
  /** The last packets of a machine, oldest first. */
  readonly packetsOf: (id: MachineId) => readonly PacketView[];
  readonly traffic: () => TrafficView;
};

/** What the Boot Server serves, and what it needs. */
type BootServerDeps = {
  readonly networks: readonly Network[];
  readonly ports: Omit<ServerPorts, "log">;
  /** The UDP port for log lines before TLS is up; 0 or absent: none are taken. */
  readonly logPort?: number;
  /** Loaders by the file names that firmware requests, without a slash: `undionly.kpxe`, `snponly.efi`. */
  readonly loaders: ReadonlyMap<string, Uint8Array>;
  readonly kernel: Uint8Array;
  readonly initramfs: Uint8Array;
  /** The second archive with firmware, if the Bootstrap Image has one. */
  readonly firmware?: Uint8Array;
  /** The Bootstrap Images of other architectures than the default one. */
  readonly otherImages?: ReadonlyMap<NamedArchitecture, ImageFiles>;
  /**
   * Signed shim and GRUB for disks: the shim that UEFI HTTP boot gets under Secure Boot, and both for the disks of new
   * machines.
   */
  readonly diskLoaders?: { readonly shim: Uint8Array; readonly grub: Uint8Array };
  /** Who may fetch kernel and initramfs over HTTP now; without it, everybody. */
  readonly uplinkQueue?: UplinkQueue;
  /** Limit of records at which unknown machines are ignored. */
  readonly maxMachines: number;
  /** How many HTTP requests an address may send; without it, any number. */
  readonly requestLimit?: RequestLimit;
  /** Simultaneous HTTP connections of one address. */
  readonly connectionsPerAddress: number;
  readonly store: Store;
  readonly issueOrder: IssueOrder;
  /** Further handlers for plain HTTP, e.g. for the Dominator's objects. */
  readonly handlers?: readonly HttpHandler[];
  readonly clock: Clock;
  readonly log: Log;
};

/** What the servers of all protocols share. */
type Shared = {
  readonly addresses: readonly string[];
  /** By path, with the leading slash. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly write: WriteBootScript;
  readonly askedFirmware: AskedFirmware;
  readonly report: ReturnType<typeof phaseReporter>;
  readonly traffic: Traffic;
};

/** Starts DHCP and TFTP on every network and HTTP on all our addresses; disposing stops them all. */
export async function startBootServer(deps: BootServerDeps): Promise<BootServer> {
  const { networks, store, maxMachines, clock, log } = deps;
  const packets = openPacketLog();
  const traffic = openTraffic();
  await using started = new AsyncDisposableStack();
  const images = architecturesOf(deps);
  const localBoots = started.use(openLocalBoots({ store, clock, log }));
  const addresses = [...new Set(networks.flatMap(serverAddresses))].map(formatIpv4);
  const ports = portsWith(started.use(startEarlyLog(deps, addresses)), deps);
  const askedFirmware = openAskedFirmware({ store, log });
  const asks = deps.loaders.has(diskListFile);
  const shared: Shared = {
    addresses,
    files: filesOf(deps),
    write: bootScriptWriter({ ...deps, ports, images, localBoots, ...(asks ? { askedFirmware } : {}) }),
    askedFirmware,
    report: phaseReporter({ store, lastFile: lastImagePath(deps.firmware !== undefined), clock, log }),
    traffic,
  };
  started.use(await startHttp(deps, shared));
  started.use(await startTftp(deps, shared, packets));
  // Last, because DHCP sends machines to the other servers.
  const dhcp = started.use(
    await startDhcpServer({ networks, ports, images, store, packets, localBoots, maxMachines, clock, log }),
  );
  const running = started.move();
  return {
    networks: dhcp.networks,
    packetsOf: (id) => packets.of(id).map(viewPacket),
    traffic: traffic.view,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function startEarlyLog(deps: BootServerDeps, addresses: readonly string[]): EarlyLogReceiver | undefined {
  const { logPort: port = 0, log } = deps;
  return port === 0 ? undefined : openEarlyLogReceiver({ addresses, port, intake: openEarlyLogIntake(deps), log });
}

/** The ports that boot scripts name. */
function portsWith(receiver: EarlyLogReceiver | undefined, { ports, logPort }: BootServerDeps): ServerPorts {
  return receiver?.isOpen === true && logPort !== undefined ? { ...ports, log: logPort } : ports;
}

/** The Bootstrap Images that are served. */
type ServedImages = Pick<BootServerDeps, "kernel" | "initramfs" | "firmware" | "otherImages">;

/** The architectures that there is a Bootstrap Image for. */
function architecturesOf({ otherImages = new Map() }: ServedImages): ReadonlySet<MachineArchitecture> {
  return new Set([defaultArchitecture, ...otherImages.keys()]);
}

/** The files of all images, by path. */
function imageFiles(served: ServedImages): ReadonlyMap<string, Uint8Array> {
  const { kernel, initramfs, firmware, otherImages = new Map() } = served;
  const all: readonly (readonly [MachineArchitecture, ImageFiles])[] = [
    [defaultArchitecture, { kernel, initramfs }],
    ...otherImages,
  ];
  const files = new Map(
    all.flatMap(([architecture, files]) => {
      const paths = imagePathsOf(architecture);
      return [
        [paths.kernel, files.kernel],
        [paths.initramfs, files.initramfs],
      ] as const;
    }),
  );
  return firmware === undefined ? files : files.set(imagePaths.firmware, firmware);
}

/** Sizes of the files that wait for the uplink, by path. */
export function queuedSizes(images: ServedImages): ReadonlyMap<string, number> {
  return new Map([...imageFiles(images)].map(([path, { length }]) => [path, length]));
}

function filesOf(deps: BootServerDeps): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ...imageFiles(deps),
    ...[...deps.loaders].map(([name, bytes]) => [`/${name}`, bytes] as const),
    ...signedLoaderFiles(deps.diskLoaders),
  ]);
}

async function startHttp(deps: BootServerDeps, { addresses, files, write, askedFirmware, report, traffic }: Shared) {
  const { store, log } = deps;
  const bootDisks = deps.diskLoaders === undefined ? [] : [bootDiskHandler({ ...deps, ...deps.diskLoaders, write })];
  return await startHttpServer({
    ...{ addresses, port: deps.ports.http, files, traffic, log },
    connectionsPerAddress: deps.connectionsPerAddress,
    machines: () => store.list().length,
    ...(deps.requestLimit === undefined ? {} : { requestLimit: deps.requestLimit }),
    handlers: [bootScriptHandler({ write, log }), ...bootDisks, throughputHandler(log), ...(deps.handlers ?? [])],
    ...(deps.uplinkQueue === undefined ? {} : { uplinkQueue: deps.uplinkQueue }),
    ...{ onAsked: askedFirmware.requested, onRequest: report.requested },
    onSent: ({ clientAddress, path, durationMs }) => report.sent(clientAddress, path, durationMs),
  });
}

async function startTftp(deps: BootServerDeps, shared: Shared, packets: PacketLog) {
  const { store, clock, log } = deps;
  const { addresses, files, write, report, traffic } = shared;
  // Debian's signed GRUB fetches everything by TFTP; iPXE fetches only itself.
  const served = deps.networks.some((network) => signatureFor(network) === "debian")
    ? { files: new Map([...files].map(([path, bytes]) => [path.slice(1), bytes])), make: grubScriptMaker(write) }
    : { files: deps.loaders };
  const onSent = (clientAddress: string, file: string, durationMs: number): void =>
    report.sent(clientAddress, `/${file}`, durationMs);
  const onPacket = ({ direction, client, ours, bytes }: SeenTftp): void => {
    const machine = store.byAddress(client.address);
    const [source, destination] = direction === "in" ? [client, ours] : [ours, client];
    if (machine !== undefined)
      packets.note(machine.id, { atMs: clock.nowMs(), direction, protocol: "tftp", source, destination, bytes });
  };
  const serves = (client: Ipv4) => deps.networks.some((network) => networkContains(network, client));
  return await startTftpServer({ addresses, ...served, serves, onSent, onPacket, traffic, clock, log });
}

/** The files that init writes to the ESP of a new machine, by path. */
function signedLoaderFiles(
  loaders: { readonly shim: Uint8Array; readonly grub: Uint8Array } | undefined,
): readonly (readonly [path: string, bytes: Uint8Array])[] {
  if (loaders === undefined) return [];
  return [
    [signedLoaderPaths.shim, loaders.shim],
    [signedLoaderPaths.grub, loaders.grub],
  ];
}
