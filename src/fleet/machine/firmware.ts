import type { DhcpOptions } from "../../core/dhcp/codec/option-table.ts";
import type { DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { imagePaths } from "../../core/pxe/script/ipxe.ts";
import { type Script, until } from "../engine/script.ts";
import type { ParameterName } from "../parameters.ts";
import type { Chassis, ServerSlot, World } from "../world.ts";
import { runAgent, stopServing } from "./agent.ts";
import { beBorn } from "./birth.ts";
import { clients, exchange } from "./dhcp.ts";
import { firstOnServer, hang, sleep, transfer, work } from "./waits.ts";

/** After all attempts and without a disk, firmware begins again. */
const againMs = 10_000;

/** The life of a machine with power: it starts from the network or its disk, again and again. */
export function* live(world: World, machine: Chassis): Script {
  const { firmware, firmwareSpread, shutdown } = world.parameters;
  if (machine.fault === "dead") yield* hang();
  for (;;) {
    stopServing(machine);
    machine.connection = undefined;
    const spread = 1 + machine.chance.between(-firmwareSpread, firmwareSpread);
    yield* work(world, "firmware", firmware * spread);
    const found = yield* startFromNetwork(world, machine);
    if (found === "disk") yield* startFromDisk(world, machine);
    else yield* sleep(world, found === "again" ? againMs : shutdown);
  }
}

function* startFromDisk(world: World, machine: Chassis): Script {
  if (machine.disk?.image === undefined) {
    world.note(machine, "nothing to start on the disk");
    yield* sleep(world, againMs);
    return;
  }
  yield* work(world, "systemStart");
  yield* runAgent(world, machine, "image");
}

type Lease = { readonly address: string; readonly server: number; readonly file: string };

/** DISCOVER and REQUEST; `disk` if the server refuses the address that it offered, which is how it sends a machine to its disk. */
function* lease(world: World, machine: Chassis, client: DhcpOptions): Script<Lease | "disk" | "again"> {
  const offer = yield* exchange(world, machine, { ...client, dhcpMessageType: "discover" }, ["offer"]);
  if (offer === undefined) {
    world.note(machine, "DHCP: no answer");
    return machine.disk?.image === undefined ? "again" : "disk";
  }
  const { serverIdentifier } = offer.options;
  const chosen = { requestedIpAddress: offer.yiaddr, ...(serverIdentifier === undefined ? {} : { serverIdentifier }) };
  const answer = yield* exchange(world, machine, { ...client, ...chosen, dhcpMessageType: "request" }, ["ack", "nak"]);
  if (answer === undefined) return "again";
  if (answer.options.dhcpMessageType === "nak") return "disk";
  const file = fileOf(answer) || fileOf(offer);
  const server = world.serverAt(formatIpv4(serverIdentifier ?? answer.siaddr));
  world.note(machine, `DHCP: ${formatIpv4(answer.yiaddr)}, ${shownFile(file)}`);
  if (server === undefined || file === "") return "disk";
  return { address: formatIpv4(answer.yiaddr), server, file };
}

function fileOf({ file, options }: DhcpPacket): string {
  return options.bootFileName?.replace(/\0+$/, "") || file;
}

const shownFile = (file: string) => (file === "" ? "no boot file" : file.replace(/^http:\/\/[^/]+/, ""));

/** Firmware, loader, script, kernel: until the machine is to start from its disk, or its birth has ended. */
function* startFromNetwork(world: World, machine: Chassis): Script<"disk" | "again" | "restart"> {
  const first = yield* lease(world, machine, clients.firmware);
  if (typeof first === "string") return first;
  const { parameters } = world;
  const loaded = yield* download(world, machine, first.server, {
    bytes: parameters.loaderBytes,
    limit: parameters.tftpRate,
    work: "tftpRate",
  });
  if (!loaded) return "again";
  world.servers[first.server]?.port?.loaderSent(first.address, first.file);
  yield* work(world, "loaderStart");
  const second = yield* lease(world, machine, clients.loader);
  if (typeof second === "string") return second;
  for (;;) {
    const script = yield* fetchScript(world, machine, second);
    if (script === undefined) return "again";
    const token = /birther\.token=([0-9a-f]+)/.exec(script)?.[1];
    if (token !== undefined) return yield* startKernel(world, machine, { ...second, token });
    const seconds = /^sleep (\d+)$/m.exec(script)?.[1];
    world.note(machine, seconds === undefined ? "script: to its disk" : `script: ${/^echo (.*)$/m.exec(script)?.[1]}`);
    if (seconds === undefined) return "disk";
    yield* sleep(world, Number(seconds) * 1000);
  }
}

const scriptMs = 10_000;

function* fetchScript(world: World, machine: Chassis, { address, server }: Lease): Script<string | undefined> {
  const slot = world.servers[server] as ServerSlot;
  return yield* until<string | undefined>((done) => {
    const stop = world.agenda.after(scriptMs, () => done(undefined));
    firstOnServer(world, slot, world.parameters.serverScript, () => {
      void slot.port?.script(machine.mac, address).then((text) => {
        world.agenda.after(world.parameters.latency * 3, () => {
          stop();
          done(text);
        });
      });
    });
    return stop;
  });
}

/** A transfer from a server; false if it died. */
export function* download(
  world: World,
  machine: Chassis,
  server: number,
  of: { readonly bytes: number; readonly limit: number; readonly work: ParameterName },
): Script<boolean> {
  const slot = world.servers[server] as ServerSlot;
  const { port } = slot;
  if (port === undefined) {
    yield* sleep(world, 1000);
    return false;
  }
  const links = world.wires.fromServer(server, machine, "boot");
  const end = yield* transfer(world, { links, ...of, mostMs: 600_000 });
  return end === "done" && slot.port === port;
}

function* startKernel(
  world: World,
  machine: Chassis,
  boot: Lease & { readonly token: string },
): Script<"again" | "restart"> {
  const { parameters, agenda, servers } = world;
  const files = [
    [imagePaths.kernel, parameters.kernelBytes],
    [imagePaths.initramfs, parameters.initramfsBytes],
  ] as const;
  for (const [path, bytes] of files) {
    for (;;) {
      const admission = servers[boot.server]?.port?.askFile(boot.address, path);
      if (admission === undefined) return "again";
      if (admission.kind === "admitted") break;
      yield* sleep(world, admission.retryAfterSeconds * 1000);
    }
    const beganMs = agenda.nowMs();
    if (!(yield* download(world, machine, boot.server, { bytes, limit: parameters.loaderFetch, work: "loaderFetch" })))
      return "again";
    servers[boot.server]?.port?.fileSent(boot.address, path, bytes, Math.round(agenda.nowMs() - beganMs));
  }
  yield* work(world, "kernelStart");
  if (machine.fault === "bootLoops" && machine.faultCount < 3) {
    machine.faultCount += 1;
    world.note(machine, "fault: restarts before init");
    return "restart";
  }
  yield* beBorn(world, machine, boot);
  return "restart";
}
