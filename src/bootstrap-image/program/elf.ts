/** A section of an ELF file: the position of its bytes. */
type Section = { readonly name: string; readonly bytes: Buffer; readonly link: number };

const magic = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const dynamicNeeded = 1n;

function textAt(bytes: Buffer, offset: number): string {
  return bytes.toString("latin1", offset, bytes.indexOf(0, offset));
}

/** The sections of a 64-bit little-endian ELF file (System V ABI, "Sections"); undefined for any other file. */
function readSections(file: Buffer): readonly Section[] | undefined {
  if (!file.subarray(0, magic.length).equals(magic)) return undefined;
  const table = Number(file.readBigUInt64LE(0x28));
  const entrySize = file.readUInt16LE(0x3a);
  const headers = Array.from({ length: file.readUInt16LE(0x3c) }, (_, index) => {
    const at = table + index * entrySize;
    const offset = Number(file.readBigUInt64LE(at + 24));
    const size = Number(file.readBigUInt64LE(at + 32));
    const holdsBytes = file.readUInt32LE(at + 4) !== 8; // SHT_NOBITS
    return {
      name: file.readUInt32LE(at),
      link: file.readUInt32LE(at + 40),
      bytes: holdsBytes ? file.subarray(offset, offset + size) : Buffer.alloc(0),
    };
  });
  const names = headers[file.readUInt16LE(0x3e)]?.bytes ?? Buffer.alloc(0);
  return headers.map(({ name, link, bytes }) => ({ name: textAt(names, name), link, bytes }));
}

/** Names of the shared libraries that a program or library needs (DT_NEEDED); undefined if it is not an ELF file. */
export function neededLibraries(file: Buffer): readonly string[] | undefined {
  const sections = readSections(file);
  if (sections === undefined) return undefined;
  const dynamic = sections.find(({ name }) => name === ".dynamic");
  const strings = sections[dynamic?.link ?? -1]?.bytes;
  if (dynamic === undefined || strings === undefined) return [];
  const needed: string[] = [];
  for (let at = 0; at + 16 <= dynamic.bytes.length; at += 16) {
    const isNeeded = dynamic.bytes.readBigInt64LE(at) === dynamicNeeded;
    if (isNeeded) needed.push(textAt(strings, Number(dynamic.bytes.readBigUInt64LE(at + 8))));
  }
  return needed;
}

/** The `key=value` lines of a kernel module's .modinfo section, in order; throws if it has none. */
export function moduleInfo(file: Buffer): readonly (readonly [key: string, value: string])[] {
  const info = readSections(file)?.find(({ name }) => name === ".modinfo");
  if (info === undefined) throw new Error("kernel module: expected a .modinfo section, found none");
  const lines = info.bytes.toString("latin1").split("\0");
  return lines.flatMap((line) => {
    const equals = line.indexOf("=");
    return equals < 0 ? [] : [[line.slice(0, equals), line.slice(equals + 1)] as const];
  });
}
