import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { formatIpv4, parseIpv4 } from "../../core/net/ipv4.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { admitTransfer } from "../../core/tftp/admission.ts";
import { readTftp, type TftpPacket, tftpErrors, writeTftp } from "../../core/tftp/packet.ts";
import { answerRequest, normaliseName, type TftpAnswer, type TftpFiles } from "../../core/tftp/request.ts";
import { startTransfer, type TransferEnd } from "../../core/tftp/transfer.ts";
import { count } from "../dhcp/network-status.ts";
import type { Traffic } from "../observe/traffic.ts";
import { mtuOfAddress } from "../socket/interface-mtu.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import { numericLookup } from "../socket/socket-descriptor.ts";
import { openTftpPort } from "./port.ts";
import { type RunningTransfer, runTransfer } from "./transfer.ts";

/** Requests that a rack sends at once must not be lost: the kernel's default holds 166 of them. */
const receiveBufferBytes = 1024 * 1024;

/** A packet that was heard or sent, and between whom. */
export type SeenTftp = {
  readonly direction: "in" | "out";
  readonly client: Peer;
  readonly ours: Peer;
  readonly bytes: Uint8Array;
};

/** Serves files by TFTP on these addresses until it is disposed of. `onSent` is called when a client has the whole file. */
export async function startTftpServer(deps: {
  readonly addresses: readonly string[];
  /** 69 but for tests. */
  readonly port?: number;
  readonly files: TftpFiles;
  /** Makes a file for whoever asks for it; undefined, at once or later, for a name that it does not know. */
  readonly make?: (name: string) => Promise<Uint8Array | undefined> | undefined;
  readonly onSent: (clientAddress: string, file: string, durationMs: number) => void;
  /** Requests, their answers and errors, for the packet log; the blocks of files are left out. */
  readonly onPacket?: (packet: SeenTftp) => void;
  /** Where transfers are counted. */
  readonly traffic?: Traffic;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<AsyncDisposable> {
  const { addresses, files, log } = deps;
  await using opened = new AsyncDisposableStack();
  for (const address of addresses) opened.use(await serveAddress(address, deps));
  log("info", "TFTP server listens", { addresses, files: [...files.keys()] });
  const serving = opened.move();
  return { [Symbol.asyncDispose]: () => serving.disposeAsync() };
}

const unknownTransfer = { kind: "error", code: tftpErrors.unknownTransfer, message: "unknown transfer" } as const;

type Transfer = RunningTransfer & {
  readonly file: string;
  readonly client: Client;
};

/** A client as packets have it, and its address as people read it. */
type Client = Peer & { readonly text: string };

async function serveAddress(address: string, deps: Parameters<typeof startTftpServer>[0]): Promise<AsyncDisposable> {
  const { clock, log, onSent } = deps;
  const ours = parseIpv4(address);
  const mtuBytes = mtuOfAddress(address);
  /** By the client's address and port: the same request again joins its transfer (netboot.md T10). Oldest first. */
  const transfers = new Map<number, Transfer>();
  const countsByClient = new Map<number, number>();
  await using opened = new AsyncDisposableStack();

  function seen(direction: "in" | "out", bytes: Uint8Array, client: Client, port = deps.port ?? 69): void {
    if (ours !== undefined) deps.onPacket?.({ direction, client, ours: { address: ours, port }, bytes });
  }

  /** Answers from the files, or from one that is made first. A client that asks again while it waits gets another. */
  function receive(bytes: Uint8Array, client: Client): void {
    const packet = readTftp(bytes);
    if (packet.kind === "malformed") {
      log("debug", "malformed TFTP packet", { client: client.text, fault: packet.fault });
      return;
    }
    // An ACK or ERROR here is a straggler of a transfer that has ended; answering it would only make more of them.
    if (packet.kind !== "readRequest" && packet.kind !== "writeRequest") return;
    seen("in", bytes, client);
    const name = packet.kind === "readRequest" ? normaliseName(packet.file) : undefined;
    const making = name?.kind === "name" ? deps.make?.(name.name) : undefined;
    const answered =
      name?.kind !== "name" || making === undefined
        ? answer(packet, client, deps.files)
        : making.then((made) =>
            answer(packet, client, new Map(made === undefined ? [] : [[name.name, made] as const])),
          );
    answered.catch((error: unknown) =>
      log("error", "TFTP request failed", { client: client.text, file: packet.file, error: String(error) }),
    );
  }

  async function answer(
    packet: TftpPacket & { kind: "readRequest" | "writeRequest" },
    client: Client,
    from: TftpFiles,
  ): Promise<void> {
    const decided = answerRequest(packet, from, mtuBytes);
    if (decided.kind === "refuse") {
      if (deps.traffic !== undefined) count(deps.traffic.tftpEnds, "refused");
      log("info", "TFTP request refused", { client: client.text, file: packet.file, why: decided.error.message });
      const refusal = writeTftp(decided.error);
      seen("out", refusal, client);
      listener.send(refusal, client.port, client.text);
      return;
    }
    const key = keyOf(client);
    const running = transfers.get(key);
    if (running?.file === decided.name) return running.tell({ kind: "requestedAgain" });
    if (running !== undefined) forget(key, running);
    if (makeRoom(client)) begin(key, decided, client);
  }

  /** Whether one more transfer may begin; the oldest of a client that has too many is given up for it. */
  function makeRoom(client: Client): boolean {
    const ofClient = countsByClient.get(client.address) ?? 0;
    const admission = admitTransfer({ total: transfers.size, ofClient });
    if (admission === "drop") log("warn", "TFTP request dropped: too many transfers", { client: client.text });
    if (admission !== "replaceOldest") return admission === "start";
    for (const [key, transfer] of transfers) {
      if (transfer.client.address !== client.address) continue;
      forget(key, transfer);
      break;
    }
    return true;
  }

  function begin(key: number, decided: TftpAnswer & { kind: "send" }, client: Client): void {
    const { bytes, terms, name } = decided;
    const startedMs = clock.monotonicMs();
    const ended = (end: TransferEnd): void => {
      const durationMs = Math.round(clock.monotonicMs() - startedMs);
      const level = end.kind === "sent" || end.kind === "probed" ? "info" : "warn";
      log(level, `TFTP transfer ${end.kind}`, { client: client.text, file: name, durationMs, ...end });
      deps.traffic?.noteTransfer(end.kind, bytes.length);
      forget(key, transfer);
      if (end.kind === "sent") onSent(client.text, name, durationMs);
    };
    const first = startTransfer(bytes, terms, startedMs);
    for (const packet of first.send) if (packet.kind !== "blocks") seen("out", writeTftp(packet), client, data.port);
    const running = runTransfer({
      ...{ first, file: bytes, port: data, to: { peer: client, blockBytes: terms.blockBytes }, clock, ended },
    });
    const transfer: Transfer = { ...running, file: name, client };
    transfers.set(key, transfer);
    countsByClient.set(client.address, (countsByClient.get(client.address) ?? 0) + 1);
  }

  function forget(key: number, transfer: Transfer): void {
    if (transfers.get(key) !== transfer) return;
    transfer.close();
    transfers.delete(key);
    const left = (countsByClient.get(transfer.client.address) ?? 1) - 1;
    if (left > 0) countsByClient.set(transfer.client.address, left);
    else countsByClient.delete(transfer.client.address);
  }

  /** A packet at the port of transfers: of one of them, or of a stranger, which is told so without harm to anybody (netboot.md T1). */
  function receiveData(bytes: Uint8Array, from: Peer): void {
    const packet = readTftp(bytes);
    const transfer = transfers.get(keyOf(from));
    if (packet.kind === "error") seen("in", Uint8Array.from(bytes), transfer?.client ?? clientOf(from), data.port);
    if (transfer !== undefined) {
      transfer.tell({ kind: "received", packet });
      return;
    }
    // An ERROR is never answered, else two could go on for ever.
    if (packet.kind !== "ack" && packet.kind !== "data") return;
    data.send(unknownTransfer, new Uint8Array(), { peer: from, blockBytes: 0 });
  }

  const data = opened.use(openTftpPort({ address, received: receiveData, log }));
  const listener = createSocket({ type: "udp4", recvBufferSize: receiveBufferBytes, lookup: numericLookup });
  listener.on("message", (bytes, { address: text, port }) => {
    const client = parseIpv4(text);
    if (client !== undefined) receive(bytes, { address: client, port, text });
  });
  // With a lookup that answers at once, dgram says "listening" before bind() returns.
  const listening = once(listener, "listening");
  listener.bind(deps.port ?? 69, address);
  await listening;
  listener.on("error", (error) => log("error", "TFTP socket failed", { address, error: error.message }));
  opened.defer(() => closeSocket(listener));
  const serving = opened.move();
  return {
    [Symbol.asyncDispose]: async () => {
      for (const transfer of transfers.values()) transfer.close();
      await serving.disposeAsync();
    },
  };
}

/** Who a packet is from as one number: 32 bits of address, 16 of port. */
function keyOf({ address, port }: Peer): number {
  return address * 65_536 + port;
}

function clientOf({ address, port }: Peer): Client {
  return { address, port, text: formatIpv4(address) };
}

async function closeSocket(socket: Socket): Promise<void> {
  const closed = once(socket, "close");
  socket.close();
  await closed;
}
