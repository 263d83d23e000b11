import type { PacketView } from "../../contract/operator/views.ts";

/** Stands for a secret, with as many bytes as the secrets that the server makes. */
const removed = "x".repeat(64);

/** The server's secrets are 32 bytes in hex; hashes of 32 bytes look the same and go, too. Longer runs are hashes of files. */
const serverSecret = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/gi;
/** What a kernel command line, a URL or a header of the site may carry. */
const namedSecret =
  /((?:token|secret|password|passwd|passphrase|community|credential|api[-_]?key)["']?\s*[=:]\s*["']?|bearer\s+|:\/\/[^\s:/@]+:)[^\s"',;&@]+/gi;
/** Keys of JSON whose texts are secrets, whatever they look like. */
const secretKey = /token|secret|password|passphrase|credential|session|hash|private/i;
/** The opcode of a TFTP packet with a piece of a file (RFC 1350 §5): boot scripts carry the token of an order. */
const tftpData = 3;
/** Opcode and block number. */
const tftpHeaderBytes = 4;

/** A text without secrets. */
export function withoutSecrets(text: string): string {
  return text.replace(namedSecret, "$1removed").replace(serverSecret, removed);
}

/** JSON values without secrets, by the names of keys and by what texts look like. */
export function factsWithoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(factsWithoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      typeof one === "string" && secretKey.test(key) ? "removed" : factsWithoutSecrets(one),
    ]),
  );
}

/** A packet whose payload holds no secret: pieces of files are cut off, and what looks like a secret is overwritten. */
export function packetWithoutSecrets(packet: PacketView): PacketView {
  const bytes = Buffer.from(packet.bytes, "base64");
  const isData = packet.protocol === "tftp" && bytes.length >= 2 && bytes.readUInt16BE(0) === tftpData;
  const kept = isData ? bytes.subarray(0, tftpHeaderBytes) : bytes;
  const text = kept.toString("latin1").replace(serverSecret, removed);
  return { ...packet, facts: packet.facts.map(withoutSecrets), bytes: Buffer.from(text, "latin1").toString("base64") };
}
