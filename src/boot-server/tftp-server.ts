import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Clock, Log } from "../core/ports.ts";
import { readTftp, type TftpPacket, tftpErrors, writeTftp } from "../core/tftp/packet.ts";
import { answerRequest, normaliseName, type TftpFiles } from "../core/tftp/request.ts";
import {
  startTransfer,
  stepTransfer,
  type TransferEnd,
  type TransferEvent,
  type TransferStep,
} from "../core/tftp/transfer.ts";

/** Transfers at once; a request beyond it is dropped, and the client asks again after its time-out. */
const transferLimit = 4096;

/** Serves files by TFTP on these addresses until it is disposed of. `onSent` is called when a client has the whole file. */
export async function startTftpServer(deps: {
  readonly addresses: readonly string[];
  /** 69 but for tests. */
  readonly port?: number;
  readonly files: TftpFiles;
  /** Makes a file for whoever asks for it; undefined, at once or later, for a name that it does not know. */
  readonly make?: (name: string) => Promise<Uint8Array | undefined> | undefined;
  readonly onSent: (clientAddress: string, file: string, durationMs: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<AsyncDisposable> {
  const { onSent, clock, log } = deps;
  /** By the client's address and port: the same request again joins its transfer (netboot.md T10). */
  const transfers = new Map<string, RunningTransfer & { readonly file: string }>();

  /** Answers from the files, or from one that is made first. A client that asks again while it waits gets another. */
  function request(listener: Socket, serverAddress: string, bytes: Uint8Array, client: RemoteInfo): void {
    const packet = readTftp(bytes);
    const name = packet.kind === "readRequest" ? normaliseName(packet.file) : undefined;
    const making = name?.kind === "name" ? deps.make?.(name.name) : undefined;
    if (name?.kind !== "name" || making === undefined) {
      answer(listener, serverAddress, bytes, client, deps.files);
      return;
    }
    making
      .then((made) => {
        const files = new Map(made === undefined ? [] : [[name.name, made] as const]);
        answer(listener, serverAddress, bytes, client, files);
      })
      .catch((error: unknown) => log("error", "file not made", { file: name.name, error: String(error) }));
  }

  function answer(
    listener: Socket,
    serverAddress: string,
    bytes: Uint8Array,
    client: RemoteInfo,
    files: TftpFiles,
  ): void {
    const packet = readTftp(bytes);
    const facts = { client: client.address };
    if (packet.kind === "malformed") {
      log("debug", "malformed TFTP packet", { ...facts, fault: packet.fault });
      return;
    }
    // An ACK or ERROR here is a straggler of a transfer that has ended; answering it would only make more of them.
    if (packet.kind !== "readRequest" && packet.kind !== "writeRequest") return;
    const answer = answerRequest(packet, files);
    if (answer.kind === "refuse") {
      log("info", "TFTP request refused", { ...facts, file: packet.file, why: answer.error.message });
      listener.send(writeTftp(answer.error), client.port, client.address);
      return;
    }
    const key = `${client.address}:${client.port}`;
    const running = transfers.get(key);
    if (running !== undefined && running.file === answer.name) {
      running.tell({ kind: "requestedAgain" });
      return;
    }
    running?.close();
    if (transfers.size >= transferLimit) {
      log("warn", "TFTP request dropped: too many transfers", facts);
      return;
    }
    const startedMs = clock.monotonicMs();
    const ended = (end: TransferEnd): void => {
      if (transfers.get(key) === transfer) transfers.delete(key);
      const durationMs = Math.round(clock.monotonicMs() - startedMs);
      log(end.kind === "sent" || end.kind === "probed" ? "info" : "warn", `TFTP transfer ${end.kind}`, {
        ...facts,
        file: answer.name,
        durationMs,
        ...end,
      });
      if (end.kind === "sent") onSent(client.address, answer.name, durationMs);
    };
    const first = startTransfer(answer.bytes, answer.terms, startedMs);
    const transfer = { file: answer.name, ...runTransfer({ first, serverAddress, client, clock, log, ended }) };
    transfers.set(key, transfer);
  }

  const listeners: Socket[] = [];
  for (const address of deps.addresses) {
    const listener = createSocket({ type: "udp4", recvBufferSize: 1024 * 1024 });
    listener.on("message", (bytes, client) => request(listener, address, bytes, client));
    listener.bind(deps.port ?? 69, address);
    await once(listener, "listening");
    listener.on("error", (error) => log("error", "TFTP socket failed", { address, error: error.message }));
    listeners.push(listener);
  }
  log("info", "TFTP server listens", { addresses: deps.addresses, files: [...deps.files.keys()] });
  return {
    [Symbol.asyncDispose]: async () => {
      for (const transfer of transfers.values()) transfer.close();
      await Promise.all(listeners.map((listener) => closeSocket(listener)));
    },
  };
}

type RunningTransfer = { readonly tell: (event: TransferEvent) => void; readonly close: () => void };

/** Carries one transfer out on a port of its own, its TID (netboot.md T1). */
function runTransfer(of: {
  readonly first: TransferStep;
  readonly serverAddress: string;
  readonly client: RemoteInfo;
  readonly clock: Clock;
  readonly log: Log;
  readonly ended: (end: TransferEnd) => void;
}): RunningTransfer {
  const { client, clock, log, ended } = of;
  const socket = createSocket("udp4");
  let step = of.first;
  let timer: NodeJS.Timeout | undefined;
  let open = true;

  const close = (): void => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    socket.close();
  };
  const carryOut = (): void => {
    for (const packet of step.send) send(packet);
    clearTimeout(timer);
    if (step.kind === "going") {
      timer = setTimeout(() => tell({ kind: "woken" }), Math.max(1, step.transfer.wakeAtMs - clock.monotonicMs()));
      return;
    }
    // What was sent last must leave before the socket closes.
    setImmediate(close);
    ended(step.end);
  };
  const send = (packet: TftpPacket): void => {
    socket.send(writeTftp(packet), client.port, client.address, (error) => {
      if (error !== null && open)
        log("debug", "TFTP packet not sent", { client: client.address, error: error.message });
    });
  };
  const tell = (event: TransferEvent): void => {
    if (!open || step.kind === "ended") return;
    step = stepTransfer(step.transfer, event, clock.monotonicMs());
    carryOut();
  };

  socket.on("message", (bytes, from) => {
    if (from.address === client.address && from.port === client.port)
      return tell({ kind: "received", packet: readTftp(bytes) });
    const stranger = { kind: "error", code: tftpErrors.unknownTransfer, message: "unknown transfer" } as const;
    socket.send(writeTftp(stranger), from.port, from.address);
  });
  socket.on("error", (error) => {
    log("warn", "TFTP transfer failed", { client: client.address, error: error.message });
    if (open && step.kind === "going") ended({ kind: "aborted", code: 0, message: error.message });
    close();
  });
  socket.bind({ address: of.serverAddress, port: 0 }, carryOut);
  return { tell, close };
}

async function closeSocket(socket: Socket): Promise<void> {
  const closed = once(socket, "close");
  socket.close();
  await closed;
}
