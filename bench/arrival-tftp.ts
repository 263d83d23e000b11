import { createSocket, type RemoteInfo } from "node:dgram";

const windowBlocks = 4;
const blockBytes = 1468;
const attemptMs = 2000;
const attempts = 8;
const opcode = { data: 3, error: 5, optionsAcknowledged: 6 } as const;

/** Fetches a file by TFTP as EDK2 does (RFC 1350, 2348, 7440: blocks of 1468 bytes in windows of 4); the number of its bytes. */
export function fetchByTftp(of: {
  readonly server: string;
  readonly address: string;
  readonly file: string;
}): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const options = ["octet", "blksize", String(blockBytes), "windowsize", String(windowBlocks)];
    const ask = Buffer.concat([Buffer.from([0, 1]), Buffer.from(`${[of.file, ...options].join("\0")}\0`)]);
    let peer: RemoteInfo | undefined;
    let [block, bytes, tries] = [0, 0, 0];
    const end = (act: () => void) => {
      clearTimeout(timer);
      socket.close();
      act();
    };
    const send = (sent = () => {}) => {
      if (peer === undefined) socket.send(ask, 69, of.server, sent);
      else socket.send(Buffer.from([0, 4, (block >> 8) & 255, block & 255]), peer.port, peer.address, sent);
    };
    const again = (): NodeJS.Timeout =>
      setTimeout(() => {
        tries += 1;
        if (tries >= attempts) return end(() => reject(new Error("no answer")));
        send();
        timer = again();
      }, attemptMs);
    let timer = again();
    const progress = () => {
      tries = 0;
      timer.refresh();
    };
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("message", (message, from) => {
      const code = message.readUInt16BE(0);
      if (code === opcode.error) return end(() => reject(new Error(message.subarray(4).toString().slice(0, 60))));
      peer ??= from;
      if (code === opcode.optionsAcknowledged) {
        progress();
        return send();
      }
      const number = message.readUInt16BE(2);
      if (code !== opcode.data || number !== ((block + 1) & 65_535)) return;
      block += 1;
      bytes += message.length - 4;
      const isLast = message.length - 4 < blockBytes;
      if (isLast) send(() => end(() => resolve(bytes)));
      else if (block % windowBlocks === 0) {
        progress();
        send();
      }
    });
    socket.bind(0, of.address, () => send());
  });
}
