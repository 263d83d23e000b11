import * as host from "host";
import { bytesFromHex } from "../../../core/bytes/text.ts";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { type Attribute, type Attributes, attributeLimits } from "../../../core/image/attributes/attributes.ts";
import { checked, errnoOf, systemError } from "../../system/errno.ts";

/** The part of an inode that tells its extended attributes. */
type SeenAttributes = { readonly attributes?: Attributes; readonly noAttributes?: true };

/** The attributes of an open file or a place, as far as an image carries them. */
export function seenAttributes(fd: number, path: string): SeenAttributes {
  const { count, bytes } = attributeLimits;
  const found = host.attributesOf(fd, count, bytes);
  if (found === -errnoOf.EOPNOTSUPP) return { noAttributes: true };
  if (typeof found === "number") throw systemError(`read the attributes of ${path}`, found);
  if (found.length === 0) return {};
  return { attributes: found.sort(([one], [other]) => (one < other ? -1 : 1)) };
}

/** Gives an open file or a place these attributes; false if its file system cannot keep them, which is no fault of the image. */
export function setAttributes(fd: number, attributes: Attributes, path: string): boolean {
  const names = encodeUtf8(attributes.map(([name]) => `${name}\0`).join(""));
  checked(`remove the attributes of ${path}`, host.keepAttributes(fd, new Uint8Array(names).buffer));
  return attributes.every((attribute) => setOne(fd, attribute, path));
}

function setOne(fd: number, [name, value]: Attribute, path: string): boolean {
  const bytes = bytesFromHex(value);
  if (bytes === undefined) throw new Error(`${path}: expected the attribute ${name} in hex`);
  const result = host.setAttribute(fd, name, new Uint8Array(bytes).buffer);
  if (result === -errnoOf.EOPNOTSUPP) return false;
  checked(`set the attribute ${name} of ${path}`, result);
  return true;
}
