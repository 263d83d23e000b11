import { type Endpoint, parseEndpoint } from "../net/endpoint.ts";
import { type Ipv4, parseIpv4 } from "../net/ipv4.ts";
import { type Mac, parseMac } from "../net/mac.ts";

/** The settings of the boot script: the parameters `birther.…` on the kernel command line. */
export type BootSettings = {
  /** Single-use token for the birth order. */
  readonly token: string;
  readonly mdb: Endpoint;
  /** Plain HTTP: kernel, objects, throughput test. */
  readonly http: Endpoint;
  /** The NIC that booted. */
  readonly mac: Mac;
  readonly address: Ipv4;
  readonly prefixLength: number;
  readonly gateway?: Ipv4;
  /** Where log lines may be sent by UDP before TLS is up; absent if the server takes none. */
  readonly log?: Endpoint;
  /** The server's time when it created the script, milliseconds since 1970. */
  readonly serverMs?: number;
};

export type BootSettingsReading =
  | { readonly kind: "settings"; readonly settings: BootSettings }
  | { readonly kind: "refused"; readonly reason: string };

/** Reads /proc/cmdline. The last of several equal parameters counts, as in the kernel. */
export function readBootSettings(commandLine: string): BootSettingsReading {
  const given: { [name: string]: string } = {};
  for (const word of commandLine.split(/\s+/)) {
    const match = /^birther\.([a-z]+)=(.*)$/.exec(word);
    if (match?.[1] !== undefined) given[match[1]] = match[2] ?? "";
  }
  const faults: string[] = [];
  function read<Value>(name: string, expected: string, parse: (text: string) => Value | undefined): Value | undefined {
    const text = given[name];
    if (text === undefined) {
      faults.push(`birther.${name}: expected ${expected}, found nothing`);
      return undefined;
    }
    const value = parse(text);
    if (value === undefined) faults.push(`birther.${name}: expected ${expected}, found ${text}`);
    return value;
  }
  const token = read("token", "hex digits", (text) => (/^[0-9a-f]{16,}$/i.test(text) ? text : undefined));
  const mdb = read("mdb", "ADDRESS:PORT", parseEndpoint);
  const http = read("http", "ADDRESS:PORT", parseEndpoint);
  const mac = read("mac", "a MAC address", parseMac);
  const own = read("ip", "ADDRESS/LENGTH", parseInterfaceAddress);
  const gateway = given.gw === undefined ? undefined : read("gw", "an IPv4 address", parseIpv4);
  const serverMs = given.time === undefined ? undefined : read("time", "seconds since 1970", parseSeconds);
  // No birth fails for it.
  const log = parseEndpoint(given.log ?? "");
  if (faults.length > 0 || !token || !mdb || !http || !mac || !own)
    return { kind: "refused", reason: faults.join("; ") };
  return {
    kind: "settings",
    settings: {
      ...{ token, mdb, http, mac, ...own },
      ...(gateway === undefined ? {} : { gateway }),
      ...(log === undefined ? {} : { log }),
      ...(serverMs === undefined ? {} : { serverMs }),
    },
  };
}

function parseSeconds(text: string): number | undefined {
  return /^\d{1,11}$/.test(text) ? Number(text) * 1000 : undefined;
}

function parseInterfaceAddress(text: string): { address: Ipv4; prefixLength: number } | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const address = parseIpv4(match?.[1] ?? "");
  const prefixLength = Number(match?.[2]);
  return address === undefined || !(prefixLength <= 32) ? undefined : { address, prefixLength };
}

const refusedMark = "birther.refused ";

/** The line that tells a signed image why it gets no settings now, and what happens next. */
export function settingsRefused(reason: string, next: string): string {
  return `${refusedMark}${reason}; next: ${next}`;
}

/**
 * Reads the settings that a signed image fetched, for the NIC that fetched them: settings of another machine are
 * refused, because their sender is not verified yet.
 */
export function readFetchedSettings(text: string, mac: Mac): BootSettingsReading {
  if (text.startsWith(refusedMark)) return { kind: "refused", reason: text.slice(refusedMark.length).trim() };
  const reading = readBootSettings(text);
  if (reading.kind === "refused" || reading.settings.mac === mac) return reading;
  return { kind: "refused", reason: `birther.mac: expected ${mac}, found ${reading.settings.mac}` };
}
