/**
 * Extended attributes (xattr(7)) that an image carries: file capabilities, access control lists, and what programs keep
 * in `user.*`. Sorted by name; values in lower-case hex. Labels of a security module (`security.selinux`) belong to
 * the policy of the machine, `security.evm` and `security.ima` to its keys, and `trusted.*` to the file system that a
 * tool made there: they are not carried.
 */
export type Attributes = readonly Attribute[];
export type Attribute = readonly [name: string, value: string];

/** Limits for one file. ext4 keeps all attributes of a file in its inode and one block. */
export const attributeLimits = { count: 32, bytes: 3500 } as const;

/** Limit of names and values of all files of an image together, in bytes. */
export const maxImageAttributeBytes = 16 << 20;

/** The attribute that holds a file's capabilities. */
export const capability = "security.capability";
/** The attributes that hold access control lists. */
export const acl = { access: "system.posix_acl_access", default: "system.posix_acl_default" } as const;

/** Whether an image can carry an attribute of this name; other names are left alone on machines. */
export function isCarriedName(name: string): boolean {
  return name === capability || name === acl.access || name === acl.default || /^user\.[\x21-\x7e]{1,250}$/.test(name);
}

/** Bytes of the names and values. */
export function attributeBytes(attributes: Attributes): number {
  let bytes = 0;
  for (const [name, value] of attributes) bytes += name.length + value.length / 2;
  return bytes;
}

/** What is wrong with the attributes of a file of an image; undefined if they are as an import makes them. */
export function faultOfAttributes(attributes: Attributes): string | undefined {
  let previous = "";
  for (const [name] of attributes) {
    if (!isCarriedName(name)) return `the attribute ${JSON.stringify(name)} is none that an image carries`;
    if (name <= previous) return `the attribute ${name} is out of order or there twice`;
    previous = name;
  }
  if (attributeBytes(attributes) > attributeLimits.bytes)
    return `attributes have more than ${attributeLimits.bytes} bytes`;
  return undefined;
}

/** Whether two files have the same attributes; none and an empty list are the same. */
export function sameAttributes(one: Attributes = [], other: Attributes = []): boolean {
  return one.length === other.length && one.every(([name, value], at) => isSameAttribute(other[at], name, value));
}

function isSameAttribute(attribute: Attribute | undefined, name: string, value: string): boolean {
  return attribute?.[0] === name && attribute[1] === value;
}
