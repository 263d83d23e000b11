/** One member of an archive; parents must come before children, as the kernel makes them in that order. */
export type CpioMember =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

const trailerName = "TRAILER!!!";

/**
 * Writes an uncompressed "newc" archive, the one the kernel unpacks as an initramfs
 * (Linux Documentation/driver-api/early-userspace/buffer-format.rst). Paths are relative, ASCII or UTF-8, without a leading slash.
 * Everything belongs to root and has time 0, so that equal input gives equal bytes.
 */
export function writeCpio(members: readonly CpioMember[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const add = (bytes: Uint8Array) => {
    chunks.push(bytes);
    total += bytes.length;
    const padding = (4 - (total % 4)) % 4;
    if (padding > 0) chunks.push(new Uint8Array(padding));
    total += padding;
  };
  members.forEach((member, index) => {
    const data = memberData(member);
    add(header(index + 1, memberMode(member), member.kind === "directory" ? 2 : 1, member.path, data.length));
    if (data.length > 0) add(data);
  });
  add(header(0, 0, 1, trailerName, 0));

  const archive = new Uint8Array(total);
  let offset = 0;
  for (const chunk of chunks) {
    archive.set(chunk, offset);
    offset += chunk.length;
  }
  return archive;
}

function memberMode(member: CpioMember): number {
  switch (member.kind) {
    case "directory":
      return 0o040755;
    case "file":
      return 0o100000 | member.mode;
    case "symlink":
      return 0o120777;
  }
}

function memberData(member: CpioMember): Uint8Array {
  switch (member.kind) {
    case "directory":
      return new Uint8Array(0);
    case "file":
      return member.bytes;
    case "symlink":
      return utf8(member.target);
  }
}

/** Header and name together, as the padding counts from the header's start. */
function header(inode: number, mode: number, links: number, path: string, size: number): Uint8Array {
  const name = utf8(path);
  const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name.length + 1, 0];
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  const bytes = new Uint8Array(text.length + name.length + 1);
  bytes.set(utf8(text), 0);
  bytes.set(name, text.length);
  return bytes;
}

/** UTF-8 without TextEncoder, which QuickJS lacks. */
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text).replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Uint8Array.from(escaped, (character) => character.charCodeAt(0));
}
