import { type Cursor, readUnsigned } from "../bytes/cursor.ts";
import { handles } from "./command.ts";
import { bytesOf, command, empty, number, sized } from "./command-form.ts";
import { readSized } from "./seal-command.ts";

/** Command codes (TPM Library, Part 2, 6.5.2). */
const codes = {
  undefineSpace: 0x0122,
  defineSpace: 0x012a,
  write: 0x0137,
  read: 0x014e,
  readLock: 0x014f,
  readPublic: 0x0169,
} as const;
const sha256 = 0x000b;

/**
 * The attributes of our indices (Part 2, 13.4): the owner writes, and anyone reads, until TPM2_NV_ReadLock, which lasts until
 * the machine starts anew; failures at other objects (lockout) do not shut it. TPMA_NV_OWNERWRITE, AUTHREAD, NO_DA,
 * READ_STCLEAR.
 */
export const nvAttributes = 0x82040002;
/** TPMA_NV_WRITELOCKED, READLOCKED, WRITTEN: what a TPM says of an index in its attributes. */
const nvStates = 0x30000800;

/** TPM2_NV_DefineSpace of an index of the owner with these attributes and an empty password. */
export function nvDefine(index: number, size: number): Uint8Array {
  const area = bytesOf([number(index, 4), number(sha256, 2), number(nvAttributes, 4), empty, number(size, 2)]);
  return command(codes.defineSpace, {
    handles: [handles.owner],
    sessions: [handles.password],
    parameters: [empty, sized(area)],
  });
}

/** TPM2_NV_UndefineSpace: the index and its content are gone. */
export function nvUndefine(index: number): Uint8Array {
  return command(codes.undefineSpace, {
    handles: [handles.owner, index],
    sessions: [handles.password],
    parameters: [],
  });
}

/** TPM2_NV_Write of all of an index. */
export function nvWrite(index: number, data: Uint8Array): Uint8Array {
  return command(codes.write, {
    handles: [handles.owner, index],
    sessions: [handles.password],
    parameters: [sized(data), number(0, 2)],
  });
}

/** TPM2_NV_Read of an index from its beginning. */
export function nvRead(index: number, size: number): Uint8Array {
  return command(codes.read, {
    handles: [index, index],
    sessions: [handles.password],
    parameters: [number(size, 2), number(0, 2)],
  });
}

/** TPM2_NV_ReadLock: nobody reads the index until the machine starts anew. */
export function nvReadLock(index: number): Uint8Array {
  return command(codes.readLock, { handles: [index, index], sessions: [handles.password], parameters: [] });
}

/** TPM2_NV_ReadPublic, which needs no authorisation. */
export function nvReadPublic(index: number): Uint8Array {
  return command(codes.readPublic, { handles: [index], parameters: [] });
}

/** What a TPM says of an index; attributes without those of its state. */
export type NvArea = { readonly index: number; readonly attributes: number; readonly size: number };

/** Reads the body of a TPM2_NV_ReadPublic response; undefined if it has another form. */
export function readNvArea(body: Cursor): NvArea | undefined {
  readUnsigned(body, 2);
  const [index, , attributes] = [readUnsigned(body, 4), readUnsigned(body, 2), readUnsigned(body, 4)];
  const policy = readSized(body);
  const size = readUnsigned(body, 2);
  if (index === undefined || attributes === undefined || policy === undefined || size === undefined) return undefined;
  return { index, attributes: (attributes & ~nvStates) >>> 0, size };
}

/** Reads the data of a TPM2_NV_Read response. */
export function readNvData(body: Cursor): Uint8Array | undefined {
  return readUnsigned(body, 4) === undefined ? undefined : readSized(body);
}
