import * as v from "valibot";
import { type ObjectMirror, parseObjectMirror } from "../../core/image/object-mirror.ts";
import { type Ipv4, type Prefix, parseIpv4, parsePrefix } from "../../core/net/ipv4.ts";
import { canonicalIpv6, formatIpv6, parseIpv6Prefix } from "../../core/net/ipv6.ts";
import { leaf } from "./entry.ts";

/** Any text of at most 1024 characters. */
export const text = leaf("text", v.pipe(v.string(), v.nonEmpty(), v.maxLength(1024)));
/** A name in records and logs. */
export const shortName = leaf(
  "a name of at most 32 letters, digits, - and _",
  v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,32}$/)),
);
/** A switch. */
export const yesOrNo = leaf("true or false", v.boolean());
/** An absolute path. */
export const path = leaf("an absolute path", v.pipe(v.string(), v.startsWith("/"), v.maxLength(200)));
/** The name of a network interface. */
export const interfaceName = leaf(
  "the name of a network interface, at most 15 characters",
  v.pipe(v.string(), v.regex(/^[^\s/]{1,15}$/)),
);
/** A whole number within bounds; `expected` names its kind. */
export const count = (expected: string, least: number, most: number) =>
  leaf(`${expected}, ${least} to ${most}`, v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)));
/** A whole number of seconds within bounds. */
export const seconds = (least: number, most: number) => count("a whole number of seconds", least, most);
/** A whole number of mebibytes, at most a tebibyte. */
export const mebibytes = (least: number) => count("a whole number of mebibytes", least, 1_048_576);
/** A DNS name. */
export const hostName = leaf(
  "a host name such as birther.example.org",
  v.pipe(v.string(), v.regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i)),
);
/** A whole number, 0 or more. */
export const wholeNumber = leaf("a whole number, 0 or more", v.pipe(v.number(), v.integer(), v.minValue(0)));
/** A TCP port. */
export const port = count("a TCP port", 1, 65_535);
/** The schema of an address: an interface, because declarations can name it and not the brand inside Ipv4. */
export interface AddressSchema extends v.GenericSchema<string, Ipv4> {}
/** The schema of a mirror, an interface for the same reason. */
export interface MirrorSchema extends v.GenericSchema<string, ObjectMirror> {}
/** The schema of a prefix, an interface for the same reason. */
export interface PrefixSchema extends v.GenericSchema<string, Prefix> {}
/** An IPv4 address, parsed. */
export const address: AddressSchema = leaf(
  "an IPv4 address such as 10.77.0.1",
  v.pipe(
    v.string(),
    v.check((given) => parseIpv4(given) !== undefined),
    v.transform((given) => parseIpv4(given) as Ipv4),
  ),
);
/** An IPv6 address, in its canonical form. */
export const ipv6Address = leaf(
  "an IPv6 address such as 2001:db8::1",
  v.pipe(
    v.string(),
    v.check((given) => canonicalIpv6(given) !== undefined),
    v.transform((given) => canonicalIpv6(given) ?? given),
  ),
);
/** An IPv6 prefix of a network, in its canonical form. */
export const ipv6Prefix = leaf(
  "an IPv6 prefix such as 2001:db8::/64, without host bits, /16 to /126",
  v.pipe(
    v.string(),
    v.check((given) => ipv6PrefixOf(given) !== undefined),
    v.transform((given) => ipv6PrefixOf(given) ?? given),
  ),
);

function ipv6PrefixOf(given: string): string | undefined {
  const prefix = parseIpv6Prefix(given);
  if (prefix === undefined || prefix.length < 16 || prefix.length > 126) return undefined;
  return `${formatIpv6(prefix.address)}/${prefix.length}`;
}
/** An HTTP cache of images, parsed. */
export const objectMirror: MirrorSchema = leaf(
  "a mirror as http://ADDRESS:PORT/PATH, without a name and without TLS",
  v.pipe(
    v.string(),
    v.check((given) => parseObjectMirror(given) !== undefined),
    v.transform((given) => parseObjectMirror(given) as ObjectMirror),
  ),
);
/** An IPv4 prefix of a network, parsed. */
export const prefix: PrefixSchema = leaf(
  "an IPv4 prefix such as 10.77.0.0/24, without host bits, /8 to /30",
  v.pipe(
    v.string(),
    v.check((given) => isPrefix(given)),
    v.transform((given) => parsePrefix(given) as Prefix),
  ),
);

function isPrefix(given: string): boolean {
  const parsed = parsePrefix(given);
  return (
    parsed !== undefined &&
    parsed.length >= 8 &&
    parsed.length <= 30 &&
    parseIpv4(given.split("/")[0] ?? "") === parsed.address
  );
}
