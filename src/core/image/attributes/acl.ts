/** POSIX access control lists as Linux stores them in extended attributes (linux/posix_acl_xattr.h), little-endian. */

const version = 2;
const headerBytes = 4;
const entryBytes = 8;
/** The id of an entry that names nobody (ACL_UNDEFINED_ID). */
const nobody = 0xffff_ffff;

/** Tags of entries (linux/posix_acl.h), in the order in which the kernel demands them. */
const tags = { userObj: 0x01, user: 0x02, groupObj: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const;

/** An entry: whom it is about, which of `rwx` (4, 2, 1) it grants, and the user or group that it names. */
type Entry = { readonly tag: number; readonly permissions: number; readonly id: number };

/** A list in the form in which the kernel returns it. */
export type Acl = {
  readonly bytes: Uint8Array;
  /** The permission bits of st_mode that it implies. */
  readonly mode: number;
  /** It says no more than a mode does: the kernel does not keep such a list for access. */
  readonly isMode: boolean;
};

/** Reads the value of an attribute; undefined if the kernel would refuse it. */
export function readAcl(value: Uint8Array): Acl | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const count = (value.length - headerBytes) / entryBytes;
  if (!Number.isInteger(count) || count < 0 || view.getUint32(0, true) !== version) return undefined;
  const entries: Entry[] = [];
  for (let at = headerBytes; at < value.length; at += entryBytes)
    entries.push({
      tag: view.getUint16(at, true),
      permissions: view.getUint16(at + 2, true),
      id: view.getUint32(at + 4, true),
    });
  return aclOf(entries);
}

/**
 * Reads a list as text, as archivers store it: `user::rwx,user:lisa:r-x:502,group::r-x,mask::rwx,other::---` (star and
 * bsdtar, with the id at the end), or lines of `user:502:r-x` (GNU tar with --numeric-owner). Undefined if it is damaged,
 * or names a user or group without its number.
 */
export function readAclText(text: string): Acl | undefined {
  const entries: Entry[] = [];
  for (const line of text.split(/[,\n]/)) {
    const entry = line.replace(/#.*$/, "").trim();
    if (entry === "") continue;
    const read = readEntry(entry);
    if (read === undefined) return undefined;
    entries.push(read);
  }
  return aclOf(entries);
}

const words: { readonly [word: string]: readonly [unnamed: number, named: number | undefined] } = {
  user: [tags.userObj, tags.user],
  u: [tags.userObj, tags.user],
  group: [tags.groupObj, tags.group],
  g: [tags.groupObj, tags.group],
  mask: [tags.mask, undefined],
  m: [tags.mask, undefined],
  other: [tags.other, undefined],
  o: [tags.other, undefined],
};

function readEntry(entry: string): Entry | undefined {
  const [word = "", name = "", rights = "", number = name] = entry.split(":").map((part) => part.trim());
  const kinds = words[word];
  if (kinds === undefined || !/^[r-][w-][x-]$/.test(rights)) return undefined;
  const permissions = [...rights].reduce((bits, letter) => 2 * bits + (letter === "-" ? 0 : 1), 0);
  const [unnamed, named] = kinds;
  if (name === "") return { tag: unnamed, permissions, id: nobody };
  if (named === undefined || !/^\d{1,10}$/.test(number)) return undefined;
  return { tag: named, permissions, id: Number(number) };
}

function aclOf(unsorted: readonly Entry[]): Acl | undefined {
  const entries = [...unsorted].sort((one, other) => one.tag - other.tag || one.id - other.id);
  const all = (tag: number) => entries.filter((entry) => entry.tag === tag);
  const [owner, group, mask, other] = [tags.userObj, tags.groupObj, tags.mask, tags.other].map(all);
  const named = [...all(tags.user), ...all(tags.group)];
  const known = (owner?.length ?? 0) + (group?.length ?? 0) + (mask?.length ?? 0) + (other?.length ?? 0) + named.length;
  const [ownerEntry, groupEntry, otherEntry] = [owner?.[0], group?.[0], other?.[0]];
  if (known !== entries.length || ownerEntry === undefined || groupEntry === undefined || otherEntry === undefined)
    return undefined;
  if (owner?.length !== 1 || group?.length !== 1 || other?.length !== 1 || (mask?.length ?? 0) > 1) return undefined;
  if (named.length > 0 && mask?.length !== 1) return undefined;
  if (entries.some(({ permissions }) => permissions > 7) || named.some(({ id }) => id >= nobody)) return undefined;
  if (named.some(({ tag, id }, at) => named[at - 1]?.tag === tag && named[at - 1]?.id === id)) return undefined;
  const groupBits = (mask?.[0] ?? groupEntry).permissions;
  return {
    bytes: written(entries),
    mode: ownerEntry.permissions * 0o100 + groupBits * 0o10 + otherEntry.permissions,
    isMode: entries.length === 3,
  };
}

function written(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(headerBytes + entries.length * entryBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, version, true);
  for (const [index, { tag, permissions, id }] of entries.entries()) {
    const at = headerBytes + index * entryBytes;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, permissions, true);
    view.setUint32(at + 4, tag === tags.user || tag === tags.group ? id : nobody, true);
  }
  return bytes;
}
