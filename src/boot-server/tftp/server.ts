import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { parseIpv4 } from "../../core/net/ipv4.ts";
import { mtuOfAddress } from "../socket/interface-mtu.ts";
import { numericLookup } from "../socket/socket-descriptor.ts";
import { openTftpPort } from "./port.ts";
import { receiveData, receiveRequest, type ServedAddress, type TftpDeps } from "./requests.ts";
import { noTransfers } from "./transfers.ts";

/** The simultaneous requests of a rack must not be lost; the kernel's default holds 166 of them. */
const receiveBufferBytes = 1024 * 1024;

/** Serves files by TFTP on these addresses until disposed. `onSent` is called when a client has the whole file. */
export async function startTftpServer(deps: TftpDeps): Promise<AsyncDisposable> {
  const { addresses, files, log } = deps;
  await using opened = new AsyncDisposableStack();
  for (const address of addresses) opened.use(await serveAddress(address, deps));
  log("info", "TFTP server listening", { addresses, files: [...files.keys()] });
  const serving = opened.move();
  return { [Symbol.asyncDispose]: () => serving.disposeAsync() };
}

async function serveAddress(address: string, deps: TftpDeps): Promise<AsyncDisposable> {
  const { log } = deps;
  await using opened = new AsyncDisposableStack();
  const transfers = noTransfers();
  const data = opened.use(
    openTftpPort({
      ...{ address, log },
      received: (bytes, from) => {
        if (isAnswerable(from.port)) receiveData(at, bytes, from);
      },
    }),
  );
  const listener = createSocket({ type: "udp4", recvBufferSize: receiveBufferBytes, lookup: numericLookup });
  const at: ServedAddress = {
    ...{ deps, transfers, data, ours: parseIpv4(address), mtuBytes: mtuOfAddress(address) },
    send: (bytes, client) => listener.send(bytes, client.port, client.text),
  };
  listener.on("message", (bytes, { address: text, port }) => {
    const client = parseIpv4(text);
    if (client !== undefined && isAnswerable(port)) receiveRequest(at, bytes, { address: client, port, text });
  });
  // With a lookup that answers at once, dgram emits "listening" before bind() returns.
  const listening = once(listener, "listening");
  listener.bind(deps.port ?? 69, address);
  await listening;
  listener.on("error", (error) => log("error", "TFTP socket failed", { address, error: error.message }));
  opened.defer(() => closeSocket(listener));
  const serving = opened.move();
  return {
    [Symbol.asyncDispose]: async () => {
      for (const transfer of transfers.byPeer.values()) transfer.close();
      await serving.disposeAsync();
    },
  };
}

/** A sender may leave its port out as 0 (RFC 768), which no answer reaches, and which dgram refuses by an exception. */
function isAnswerable(port: number): boolean {
  return port !== 0;
}

async function closeSocket(socket: Socket): Promise<void> {
  const closed = once(socket, "close");
  socket.close();
  await closed;
}
