import { type FileHandle, open, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";

/** A disk that a machine reaches through a socket; disposing it ends it. */
export type LyingDisk = AsyncDisposable;

const mebibyte = 2 ** 20;

/** Numbers of the NBD protocol (NetworkBlockDevice, doc/proto.md): fixed newstyle negotiation, simple replies. */
const nbd = {
  magic: 0x4e42_444d_4147_4943n,
  optionMagic: 0x4948_4156_454f_5054n,
  replyMagic: 0x3_e889_0455_65a9n,
  requestMagic: 0x2560_9513,
  answerMagic: 0x6744_6698,
  fixedNewstyleWithoutZeroes: 3,
  option: { abort: 2, go: 7 },
  reply: { ack: 1, info: 3, unsupported: 0x8000_0001 },
  command: { read: 0, write: 1, disconnect: 2, flush: 3 },
  hasFlagsAndFlush: 5,
  error: { io: 5, invalid: 22 },
} as const;
const mostRequestBytes = 64 * mebibyte;

/**
 * Serves a raw image as a block device (NBD) on a Unix socket, with one fault: of what was written, it gives the first bit of
 * each mebibyte wrong, without an error. A hole of the file is read as it is, so an empty disk is empty.
 */
export async function serveLyingDisk(imagePath: string, socketPath: string): Promise<LyingDisk> {
  await rm(socketPath, { force: true });
  await using life = new AsyncDisposableStack();
  const image = life.use(await open(imagePath, "r+"));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    talk(socket, image).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, resolve);
  });
  life.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const kept = life.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Reads a number of bytes; throws when the other side has closed. */
function readerOf(socket: Socket): (bytes: number) => Promise<Buffer> {
  const parts = socket[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);
  return async (bytes) => {
    const collected = [rest];
    let length = rest.length;
    while (length < bytes) {
      const { value, done } = await parts.next();
      if (done) throw new Error("closed");
      collected.push(value);
      length += value.length;
    }
    const all = Buffer.concat(collected);
    rest = all.subarray(bytes);
    return all.subarray(0, bytes);
  };
}

async function talk(socket: Socket, image: FileHandle): Promise<void> {
  const take = readerOf(socket);
  const hello = Buffer.alloc(18);
  hello.writeBigUInt64BE(nbd.magic, 0);
  hello.writeBigUInt64BE(nbd.optionMagic, 8);
  hello.writeUInt16BE(nbd.fixedNewstyleWithoutZeroes, 16);
  socket.write(hello);
  await take(4);
  if (await negotiate(socket, take, (await image.stat()).size)) while (await answer(socket, take, image));
  socket.end();
}

/** True once the other side wants to read and write. */
async function negotiate(socket: Socket, take: (bytes: number) => Promise<Buffer>, size: number): Promise<boolean> {
  for (;;) {
    const head = await take(16);
    const option = head.readUInt32BE(8);
    await take(head.readUInt32BE(12));
    const say = (kind: number, data = Buffer.alloc(0)) => {
      const reply = Buffer.alloc(20);
      reply.writeBigUInt64BE(nbd.replyMagic, 0);
      reply.writeUInt32BE(option, 8);
      reply.writeUInt32BE(kind, 12);
      reply.writeUInt32BE(data.length, 16);
      socket.write(Buffer.concat([reply, data]));
    };
    if (option === nbd.option.go) {
      const info = Buffer.alloc(12);
      info.writeBigUInt64BE(BigInt(size), 2);
      info.writeUInt16BE(nbd.hasFlagsAndFlush, 10);
      say(nbd.reply.info, info);
      say(nbd.reply.ack);
      return true;
    }
    say(option === nbd.option.abort ? nbd.reply.ack : nbd.reply.unsupported);
    if (option === nbd.option.abort) return false;
  }
}

/** Carries out one request; false when it was the last. */
async function answer(socket: Socket, take: (bytes: number) => Promise<Buffer>, image: FileHandle): Promise<boolean> {
  const head = await take(28);
  if (head.readUInt32BE(0) !== nbd.requestMagic) throw new Error("no request");
  const [command, offset, length] = [head.readUInt16BE(6), Number(head.readBigUInt64BE(16)), head.readUInt32BE(24)];
  if (length > mostRequestBytes) throw new Error("too long");
  const reply = Buffer.alloc(16);
  reply.writeUInt32BE(nbd.answerMagic, 0);
  head.copy(reply, 8, 8, 16);
  let data = Buffer.alloc(0);
  try {
    if (command === nbd.command.read) data = await readWrongly(image, offset, length);
    else if (command === nbd.command.write) await image.write(await take(length), 0, length, offset);
    else if (command === nbd.command.disconnect) return false;
    else if (command !== nbd.command.flush) reply.writeUInt32BE(nbd.error.invalid, 4);
  } catch {
    reply.writeUInt32BE(nbd.error.io, 4);
  }
  socket.write(Buffer.concat([reply, data]));
  return true;
}

async function readWrongly(image: FileHandle, offset: number, length: number): Promise<Buffer<ArrayBuffer>> {
  const data = Buffer.alloc(length);
  await image.read(data, 0, length, offset);
  const first = Math.ceil(offset / mebibyte) * mebibyte;
  for (let at = first; at < offset + length; at += mebibyte) {
    const sector = data.subarray(at - offset, at - offset + 512);
    if (sector.some((byte) => byte !== 0)) sector[0] = (sector[0] ?? 0) ^ 1;
  }
  return data;
}
