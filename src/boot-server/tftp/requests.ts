import { uint16At } from "../../core/bytes/big-endian.ts";
import type { Ipv4 } from "../../core/net/ipv4.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { readTftp, type TftpPacket, tftpErrors, writeTftp } from "../../core/tftp/packet.ts";
import { answerRequest, normaliseName, type TftpAnswer, type TftpFiles } from "../../core/tftp/request.ts";
import { startTransfer, type TransferEnd } from "../../core/tftp/transfer.ts";
import { count } from "../dhcp/network-status.ts";
import type { Traffic } from "../observe/traffic.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import type { TftpPort } from "./port.ts";
import { runTransfer } from "./transfer.ts";
import {
  addTransfer,
  type Client,
  clientOf,
  forgetTransfer,
  makeRoom,
  type Transfer,
  type Transfers,
  transferTo,
} from "./transfers.ts";

/** A received or sent packet, with its addresses. */
export type SeenTftp = {
  readonly direction: "in" | "out";
  readonly client: Peer;
  readonly ours: Peer;
  readonly bytes: Uint8Array;
};

/** What serving needs. */
export type TftpDeps = {
  readonly addresses: readonly string[];
  /** 69 except in tests. */
  readonly port?: number;
  readonly files: TftpFiles;
  /** Whether an address is one of our networks: others get no answer, because anyone can write them into a packet. */
  readonly serves?: (client: Ipv4) => boolean;
  /** Makes a file for a client; undefined, at once or later, for an unknown name. */
  readonly make?: (name: string) => Promise<Uint8Array | undefined> | undefined;
  readonly onSent: (clientAddress: string, file: string, durationMs: number) => void;
  /** Requests, their answers and errors, for the packet log, without the blocks of files. */
  readonly onPacket?: (packet: SeenTftp) => void;
  /** Counts transfers. */
  readonly traffic?: Traffic;
  readonly clock: Clock;
  readonly log: Log;
};

/** One address that files are served on. */
export type ServedAddress = {
  readonly deps: TftpDeps;
  readonly ours: Ipv4 | undefined;
  readonly mtuBytes: number;
  readonly transfers: Transfers;
  /** The port of the transfers. */
  readonly data: TftpPort;
  /** Sends from the port that receives requests. */
  readonly send: (bytes: Uint8Array, client: Client) => void;
};

type Request = TftpPacket & { readonly kind: "readRequest" | "writeRequest" };

/** Answers from the files, or from one that is made first. A client that retries while it waits gets another. */
export function receiveRequest(at: ServedAddress, bytes: Uint8Array, client: Client): void {
  const { log, make, files, serves } = at.deps;
  if (serves?.(client.address) === false) {
    log("debug", "TFTP request not answered: its address is in no network", { client: client.text });
    return;
  }
  const packet = readTftp(bytes);
  if (packet.kind === "malformed") {
    log("debug", "malformed TFTP packet", { client: client.text, fault: packet.fault });
    refuseUnreadable(at, bytes, client);
    return;
  }
  // An ACK or ERROR here belongs to a transfer that has ended; answering it would only cause more of them.
  if (packet.kind !== "readRequest" && packet.kind !== "writeRequest") return;
  seen(at, { direction: "in", bytes, client });
  const name = packet.kind === "readRequest" ? normaliseName(packet.file) : undefined;
  const making = name?.kind === "name" ? make?.(name.name) : undefined;
  const request = { packet, client };
  const answered =
    name?.kind !== "name" || making === undefined
      ? answer(at, request, files)
      : making.then((made) => answer(at, request, new Map(made === undefined ? [] : [[name.name, made] as const])));
  answered.catch((error: unknown) =>
    log("error", "TFTP request failed", { client: client.text, file: packet.file, error: String(error) }),
  );
}

const readRequestCode = 1;
const writeRequestCode = 2;

/** An unreadable request gets ERROR 4 at once, so that its client need not wait for a time-out. Nothing else is answered. */
function refuseUnreadable(at: ServedAddress, bytes: Uint8Array, client: Client): void {
  const operation = bytes.length < 2 ? 0 : uint16At(bytes, 0);
  if (operation !== readRequestCode && operation !== writeRequestCode) return;
  seen(at, { direction: "in", bytes, client });
  if (at.deps.traffic !== undefined) count(at.deps.traffic.tftpEnds, "refused");
  const message = "expected texts that end with a zero byte";
  const error = writeTftp({ kind: "error", code: tftpErrors.illegalOperation, message });
  seen(at, { direction: "out", bytes: error, client });
  at.send(error, client);
}

async function answer(
  at: ServedAddress,
  { packet, client }: { readonly packet: Request; readonly client: Client },
  from: TftpFiles,
): Promise<void> {
  const { deps, transfers } = at;
  const decided = answerRequest(packet, from, at.mtuBytes);
  if (decided.kind === "refuse") {
    if (deps.traffic !== undefined) count(deps.traffic.tftpEnds, "refused");
    deps.log("info", "TFTP request refused", { client: client.text, file: packet.file, why: decided.error.message });
    const bytes = writeTftp(decided.error);
    seen(at, { direction: "out", bytes, client });
    at.send(bytes, client);
    return;
  }
  const running = transferTo(transfers, client);
  if (running?.file === decided.name) return running.take({ kind: "requestedAgain" });
  if (running !== undefined) forgetTransfer(transfers, running);
  if (makeRoom(transfers, client) === "drop")
    deps.log("warn", "TFTP request dropped: too many transfers", { client: client.text });
  else begin(at, decided, client);
}

function begin(at: ServedAddress, decided: TftpAnswer & { kind: "send" }, client: Client): void {
  const { deps, transfers, data } = at;
  const { clock, log, traffic, onSent } = deps;
  const { bytes, terms, name } = decided;
  const startedMs = clock.monotonicMs();
  const ended = (end: TransferEnd): void => {
    const durationMs = Math.round(clock.monotonicMs() - startedMs);
    const level = end.kind === "sent" || end.kind === "probed" ? "info" : "warn";
    log(level, `TFTP transfer ${end.kind}`, { client: client.text, file: name, durationMs, ...end });
    traffic?.noteTransfer(end.kind, bytes.length);
    forgetTransfer(transfers, transfer);
    if (end.kind === "sent") onSent(client.text, name, durationMs);
  };
  const first = startTransfer(bytes, terms, startedMs);
  for (const packet of first.send) {
    if (packet.kind !== "blocks") seen(at, { direction: "out", bytes: writeTftp(packet), client, port: data.port });
  }
  const running = runTransfer({
    ...{ first, file: bytes, port: data, to: { peer: client, blockBytes: terms.blockBytes }, clock, ended },
  });
  const transfer: Transfer = { ...running, file: name, client };
  addTransfer(transfers, transfer);
}

const unknownTransfer = { kind: "error", code: tftpErrors.unknownTransfer, message: "unknown transfer" } as const;

/**
 * A packet at the transfer port: for a transfer, or from a stranger, who gets an ERROR that harms no transfer
 * (netboot.md T1).
 */
export function receiveData(at: ServedAddress, bytes: Uint8Array, from: Peer): void {
  const { transfers, data, deps } = at;
  if (deps.serves?.(from.address) === false) return;
  const packet = readTftp(bytes);
  const transfer = transferTo(transfers, from);
  if (packet.kind === "error") {
    const client = transfer?.client ?? clientOf(from);
    seen(at, { direction: "in", bytes: Uint8Array.from(bytes), client, port: data.port });
  }
  if (transfer !== undefined) {
    transfer.take({ kind: "received", packet });
    return;
  }
  // An ERROR is never answered, or two hosts could continue forever.
  if (packet.kind !== "ack" && packet.kind !== "data") return;
  data.send(unknownTransfer, new Uint8Array(), { peer: from, blockBytes: 0 });
}

/** Adds to the packet log; `port` is ours, that of requests if undefined. */
function seen(
  { deps, ours }: ServedAddress,
  packet: Pick<SeenTftp, "direction" | "bytes" | "client"> & { readonly port?: number },
): void {
  const { direction, bytes, client, port = deps.port ?? 69 } = packet;
  if (ours !== undefined) deps.onPacket?.({ direction, client, ours: { address: ours, port }, bytes });
}
