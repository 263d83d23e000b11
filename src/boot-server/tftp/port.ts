import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Log } from "../../core/ports.ts";
import { blockHeaderBytes, placeOfBlock, writeBlockHeader } from "../../core/tftp/blocks.ts";
import { largestWindowBlocks } from "../../core/tftp/negotiate.ts";
import { writeTftp } from "../../core/tftp/packet.ts";
import type { TransferSend } from "../../core/tftp/transfer.ts";
import { openBatchingSocket } from "../socket/batching-socket.ts";
import { addressOf, type Peer } from "../socket/mmsghdr.ts";
import { askForBuffer, integerOption } from "../socket/socket-descriptor.ts";

// netinet/in.h, linux/udp.h
const ipLevel = 0;
const mtuDiscover = 10;
const mtuDiscoverNever = 0;
const udpLevel = 17;
const udpSegment = 103;

/** Room for windows and ACKs of a thousand clients; the kernel's default is 208 KiB. */
const bufferBytes = 8 * 1024 * 1024;
/** Clients send only ACK and ERROR here. */
const datagramBytes = 1024;
/** Bytes copied into a message: the headers of a window, or a whole OACK or ERROR. */
const scratchBytes = 1024;

/**
 * A port that all transfers of an address share, so that many of their packets are sent and received per system call.
 * The client's address and port distinguish them; 69 is never used for data (netboot.md T1).
 */
export type TftpPort = AsyncDisposable & {
  readonly port: number;
  readonly send: (what: TransferSend, file: Uint8Array, terms: { peer: Peer; blockBytes: number }) => void;
};

/**
 * Opens the port for transfers at one of our addresses. Datagrams may be fragmented on the way (no DF, netboot.md F4).
 * A window is one message that the kernel cuts into packets (UDP_SEGMENT); without that support its blocks are sent one
 * by one.
 */
export function openTftpPort(of: {
  readonly address: string;
  readonly received: (bytes: Uint8Array, from: Peer) => void;
  readonly log: Log;
}): TftpPort {
  const { address, log } = of;
  let segmenting = false;
  const socket = openBatchingSocket({
    endpoint: { address, port: 0 },
    configure: (set) => {
      set(ipLevel, mtuDiscover, integerOption(mtuDiscoverNever));
      askForBuffer(set, "send", bufferBytes);
      askForBuffer(set, "receive", bufferBytes);
      segmenting = set(udpLevel, udpSegment, integerOption(0));
    },
    ...{ datagramBytes, message: { pieces: 2 * largestWindowBlocks, scratchBytes } },
    received: of.received,
  });
  const refused = (peer: Peer, why: string): void =>
    log("debug", "TFTP packet not sent", { client: formatIpv4(peer.address), why });

  const sendBlocks = (blocks: TransferSend & { kind: "blocks" }, file: Uint8Array, terms: Terms): void => {
    const { peer, blockBytes } = terms;
    const { first, last } = blocks;
    const fileAt = addressOfFile(file);
    socket.send({
      peer,
      ...(last > first ? { segmentBytes: blockBytes + blockHeaderBytes } : {}),
      gather: ({ copy, refer }) => {
        for (let block = first; block <= last; block += 1) {
          const { at, length } = placeOfBlock(file.length, blockBytes, block);
          copy(writeBlockHeader(block));
          if (length > 0) refer(fileAt + at, length);
        }
      },
      refused: (why) => {
        refused(peer, why);
        // A path or device without segmentation reports EMSGSIZE, EINVAL or EIO (udp(7)).
        if (last === first) return;
        segmenting = false;
        sendSingly(blocks, file, terms);
      },
    });
  };
  const sendSingly = ({ first, last }: TransferSend & { kind: "blocks" }, file: Uint8Array, terms: Terms): void => {
    for (let block = first; block <= last; block += 1)
      sendBlocks({ kind: "blocks", first: block, last: block }, file, terms);
  };

  return {
    port: socket.port,
    send: (what, file, terms) => {
      if (what.kind === "blocks") return (segmenting ? sendBlocks : sendSingly)(what, file, terms);
      const bytes = writeTftp(what);
      const { peer } = terms;
      socket.send({ peer, gather: ({ copy }) => copy(bytes), refused: (why) => refused(peer, why) });
    },
    [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
  };
}

type Terms = { readonly peer: Peer; readonly blockBytes: number };

const addresses = new WeakMap<Uint8Array, number>();

/** Files do not move while they are held, so each address is read once. */
function addressOfFile(file: Uint8Array): number {
  const known = addresses.get(file);
  if (known !== undefined) return known;
  const address = addressOf(file);
  addresses.set(file, address);
  return address;
}
