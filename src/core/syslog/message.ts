import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.ts";

/** A message of syslog (RFC 5424), as far as init and the Boot Server use it. */
export type SyslogMessage = {
  /** RFC 5424 §6.2.1: 0 is the kernel, 3 a daemon. */
  readonly facility: number;
  /** RFC 5424 §6.2.1: 0 is an emergency, 3 an error, 4 a warning, 6 information, 7 for debugging. */
  readonly severity: number;
  /** The sender's address. */
  readonly host: string;
  /** `init` or `kernel`. */
  readonly app: string;
  /** The id of the machine's boot: a change of it is a discontinuity (§6.2.6). */
  readonly boot: string;
  /** Counts a sender's messages from 1 (§7.3.1): one that is lost, late or repeated is seen. */
  readonly sequence: number;
  readonly text: string;
};

/** The port that a server of DHCP option 7 has (RFC 5426 §3.3); machines learn another one from their settings. */
export const syslogPort = 514;
/** Longest datagram: with headers of IP, UDP and a tunnel it fits an Ethernet frame, so that none is fragmented. */
export const longestDatagram = 1400;
/** RFC 5424 §7.3.1: after it, the count begins with 1 again. */
const highestSequence = 2_147_483_647;
/** What says that a text is UTF-8 (§6.4). */
const utf8Mark = "\ufeff";

/** One datagram (RFC 5426 §3.1). A sender without a trustworthy clock says no time (§6.2.3). A long text is cut off. */
export function writeSyslog({ facility, severity, host, app, boot, sequence, text }: SyslogMessage): Uint8Array {
  const priority = facility * 8 + severity;
  const mark = /^[\0-\x7f]*$/.test(text) ? "" : utf8Mark;
  const head = `<${priority}>1 - ${host} ${app} ${boot} - [meta sequenceId="${sequence}"] ${mark}`;
  return cutUtf8(encodeUtf8(head + text), longestDatagram);
}

/** The beginning of UTF-8 text, without a part of a character at its end. */
function cutUtf8(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length <= length) return bytes;
  let end = length;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.slice(0, end);
}

/** PRI VERSION, five words of which HOSTNAME, APP-NAME and PROCID count, STRUCTURED-DATA, and what follows. */
const shape =
  /^<(\d{1,3})>1 [!-~]{1,64} ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) [!-~]{1,32} ((?:\[[^\s=\]"]{1,32}(?: [^\s=\]"]{1,32}="(?:[^"\\\]]|\\.)*")*\])+)(?: (.*))?$/s;
const sequenceParameter = /\[meta(?: [^\s=\]"]{1,32}="(?:[^"\\\]]|\\.)*")*? sequenceId="([1-9]\d{0,9})"/s;

/** Reads a datagram; undefined if it is no message of version 1 with a sequence number. The text is as it was sent, whatever is in it. */
export function readSyslog(datagram: Uint8Array): SyslogMessage | undefined {
  if (datagram.length > longestDatagram) return undefined;
  const [, pri, host, app, boot, data = "", said = ""] = shape.exec(decodeUtf8(datagram)) ?? [];
  const sequence = Number(sequenceParameter.exec(data)?.[1]);
  const priority = Number(pri);
  if (host === undefined || app === undefined || boot === undefined) return undefined;
  if (!(sequence <= highestSequence) || priority > 191) return undefined;
  const text = said.startsWith(utf8Mark) ? said.slice(1) : said;
  return { facility: priority >> 3, severity: priority & 7, host, app, boot, sequence, text };
}
