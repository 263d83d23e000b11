/** A TPM's memory for indices of its owner, with a parser of its own: enough for keys that are read by their empty password. */
export type NvMemory = {
  /** Runs a command for indices, given what follows its header; undefined for any other command. */
  readonly run: (code: number, body: Buffer) => Buffer | undefined;
  /** The machine starts anew: TPM2_NV_ReadLock ends. */
  readonly startAnew: () => void;
  /** An operator clears the TPM. */
  readonly clear: () => void;
  /** The data of its indices. */
  readonly contents: () => readonly Buffer[];
  /** Bytes of data that fit; all other indices are refused. */
  room: number;
  /** Its owner hierarchy has a password. */
  ownerHasPassword: boolean;
  /** It says that it removed an index, and keeps it. */
  keeps: boolean;
};

type Index = { readonly area: Buffer; data?: Buffer; locked: boolean };

const owner = 0x40000001;
const codes = {
  undefine: 0x122,
  define: 0x12a,
  write: 0x137,
  read: 0x14e,
  readLock: 0x14f,
  readPublic: 0x169,
} as const;
const rc = { handle: 0x18b, badAuth: 0x9a2, space: 0x14b, defined: 0x14c, locked: 0x148, blank: 0x14a } as const;
/** TPMA_NV_AUTHREAD, READ_STCLEAR, OWNERWRITE */
const bits = { authRead: 2 ** 18, readStClear: 2 ** 31, ownerWrite: 2 } as const;
const states = { written: 2 ** 29, readLocked: 2 ** 28 } as const;
const usualRoom = 1024;

/** Makes an empty one. */
export function makeNvMemory(): NvMemory {
  const indices = new Map<number, Index>();
  const used = () => [...indices.values()].reduce((sum, { area }) => sum + sizeOf(area), 0);
  const memory: NvMemory = {
    room: usualRoom,
    ownerHasPassword: false,
    keeps: false,
    startAnew: () => {
      for (const index of indices.values()) index.locked = false;
    },
    clear: () => indices.clear(),
    contents: () => [...indices.values()].flatMap(({ data }) => data ?? []),
    run: (code, body) => {
      switch (code) {
        case codes.define:
          return define(body);
        case codes.undefine:
          return undefine(body);
        case codes.write:
        case codes.read:
        case codes.readLock:
          return access(code, body);
        case codes.readPublic:
          return readPublic(body);
        default:
          return undefined;
      }
    },
  };
  function define(body: Buffer): Buffer {
    if (body.readUInt32BE(0) !== owner || memory.ownerHasPassword) return failed(rc.badAuth);
    const parameters = afterAuthorisations(body.subarray(4));
    const area = parameters.subarray(4, 4 + parameters.readUInt16BE(2));
    const number = area.readUInt32BE(0);
    if (indices.has(number)) return failed(rc.defined);
    if (used() + sizeOf(area) > memory.room) return failed(rc.space);
    indices.set(number, { area, locked: false });
    return done();
  }
  function undefine(body: Buffer): Buffer {
    const number = body.readUInt32BE(4);
    if (!indices.has(number)) return failed(rc.handle + 0x100);
    if (body.readUInt32BE(0) !== owner || memory.ownerHasPassword) return failed(rc.badAuth);
    if (!memory.keeps) indices.delete(number);
    return done();
  }
  function access(code: number, body: Buffer): Buffer {
    const [by, number] = [body.readUInt32BE(0), body.readUInt32BE(4)];
    const index = indices.get(number);
    if (index === undefined) return failed(rc.handle);
    const attributes = index.area.readUInt32BE(6);
    const has = (bit: number) => Math.floor(attributes / bit) % 2 === 1;
    const parameters = afterAuthorisations(body.subarray(8));
    if (code === codes.write) {
      if (by !== owner || !has(bits.ownerWrite) || memory.ownerHasPassword) return failed(rc.badAuth);
      index.data = Buffer.from(parameters.subarray(2, 2 + parameters.readUInt16BE(0)));
      return done();
    }
    if (by !== number || !has(bits.authRead)) return failed(rc.badAuth);
    if (code === codes.readLock) {
      index.locked = has(bits.readStClear);
      return done();
    }
    if (index.data === undefined) return failed(rc.blank);
    if (index.locked) return failed(rc.locked);
    const data = index.data.subarray(0, parameters.readUInt16BE(0));
    return done(Buffer.concat([uint16(data.length), data]));
  }
  function readPublic(body: Buffer): Buffer {
    const index = indices.get(body.readUInt32BE(0));
    if (index === undefined) return failed(rc.handle);
    const area = Buffer.from(index.area);
    const state = (index.data === undefined ? 0 : states.written) + (index.locked ? states.readLocked : 0);
    area.writeUInt32BE(area.readUInt32BE(6) + state, 6);
    return answer(0x8001, 0, Buffer.concat([uint16(area.length), area, uint16(0)]));
  }
  return memory;
}

/** The size of the data, the last field of an index's public area. */
const sizeOf = (area: Buffer) => area.readUInt16BE(area.length - 2);
const afterAuthorisations = (body: Buffer) => body.subarray(4 + body.readUInt32BE(0));
const failed = (code: number) => answer(0x8001, code, Buffer.alloc(0));
const done = (parameters: Buffer = Buffer.alloc(0)) =>
  answer(0x8002, 0, Buffer.concat([uint32(parameters.length), parameters]));
const uint16 = (value: number) => Buffer.of(value >> 8, value & 255);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function answer(tag: number, code: number, body: Buffer): Buffer {
  return Buffer.concat([uint16(tag), uint32(body.length + 10), uint32(code), body]);
}
