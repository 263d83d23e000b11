import { hexFromBytes } from "../../bytes/text.ts";
import { type Acl, readAcl, readAclText } from "./acl.ts";
import {
  type Attribute,
  type Attributes,
  acl,
  attributeBytes,
  attributeLimits,
  capability,
  isCarriedName,
} from "./attributes.ts";

/** An attribute of a file of a source: its bytes, or an access control list as text. */
export type SourceAttribute = { readonly name: string; readonly value: Uint8Array | string };

/** What an image takes of the attributes of a file. */
export type Carried = {
  readonly attributes?: Attributes;
  /** The permission bits of the mode that the access control list implies, instead of those of the source. */
  readonly permissions?: number;
  /** What is not carried, for people: `security.selinux`, `user.x (too large)`. */
  readonly left: readonly string[];
};

/** The kinds of file that differ in which attributes the kernel lets them have. */
export type AttributeKind = "directory" | "regular" | "symlink" | "special";

/**
 * Takes what an image can carry, in the form in which the kernel returns it from a machine: otherwise a comparison would find
 * a difference after each update.
 */
export function carryAttributes(kind: AttributeKind, source: Iterable<SourceAttribute>): Carried {
  const attributes: Attribute[] = [];
  const left: string[] = [];
  let permissions: { readonly permissions: number } | undefined;
  for (const { name, value } of source) {
    const taken = isCarriedName(name) && mayHave(kind, name) ? take(name, value) : { left: name };
    if ("left" in taken) left.push(taken.left);
    else {
      if (taken.acl !== undefined && name === acl.access) permissions = { permissions: taken.acl.mode };
      if (taken.acl?.isMode !== true || name === acl.default) attributes.push([name, hexFromBytes(taken.bytes)]);
    }
  }
  attributes.sort(([one], [other]) => (one < other ? -1 : 1));
  while (attributes.length > attributeLimits.count || attributeBytes(attributes) > attributeLimits.bytes) {
    const [largest] = [...attributes].sort(([, one], [, other]) => other.length - one.length);
    if (largest === undefined) break;
    attributes.splice(attributes.indexOf(largest), 1);
    left.push(`${largest[0]} (too large)`);
    if (largest[0] === acl.access) permissions = undefined;
  }
  return { ...(attributes.length === 0 ? {} : { attributes }), ...permissions, left };
}

/** A mode with the permission bits of an access control list, if there is one. */
export function withPermissions(mode: number, permissions: number | undefined): number {
  return permissions === undefined ? mode : (mode & ~0o777) | permissions;
}

function mayHave(kind: AttributeKind, name: string): boolean {
  switch (name) {
    case capability:
      return kind === "regular";
    case acl.access:
      return kind !== "symlink";
    case acl.default:
      return kind === "directory";
    default:
      return kind === "regular" || kind === "directory";
  }
}

type Taken = { readonly bytes: Uint8Array; readonly acl?: Acl } | { readonly left: string };

function take(name: string, value: Uint8Array | string): Taken {
  if (name === acl.access || name === acl.default) {
    const list = typeof value === "string" ? readAclText(value) : readAcl(value);
    if (list !== undefined) return { bytes: list.bytes, acl: list };
    return { left: typeof value === "string" ? `${name} (without numbers of users)` : `${name} (invalid)` };
  }
  if (typeof value === "string") return { left: name };
  if (name !== capability) return { bytes: value };
  const bytes = readCapability(value);
  return bytes === undefined ? { left: `${name} (unknown form)` } : { bytes };
}

/** Revisions of capabilities (linux/capability.h): 2, and 3, which also has the user id of a namespace's root. */
const revision = { two: 0x0200_0000, three: 0x0300_0000, sizeOfTwo: 20, sizeOfThree: 24 } as const;
const effective = 1;

/** As the kernel accepts and returns them: revision 3 for user id 0 becomes revision 2. */
function readCapability(value: Uint8Array): Uint8Array | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  if (value.length !== revision.sizeOfTwo && value.length !== revision.sizeOfThree) return undefined;
  const magic = view.getUint32(0, true);
  const isThree = value.length === revision.sizeOfThree;
  if ((magic & ~effective) >>> 0 !== (isThree ? revision.three : revision.two)) return undefined;
  if (!isThree || view.getUint32(revision.sizeOfTwo, true) !== 0) return value;
  const two = value.slice(0, revision.sizeOfTwo);
  new DataView(two.buffer).setUint32(0, revision.two | (magic & effective), true);
  return two;
}
