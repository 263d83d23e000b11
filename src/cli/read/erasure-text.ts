import type { ErasureAnswer } from "../../contract/operator/answers/erasure.ts";
import { formatCount } from "../../core/bytes/counted.ts";
import { outcomeText } from "../../core/erasure/erasure.ts";

const width = 78;
const rule = "=".repeat(width);

/** An erasure as a page of text to print and file, with the commands that check its signature. */
export function certificateOf({ id, machine, facts, signature }: ErasureAnswer): readonly string[] {
  if (facts === undefined) return [`${id}: a newer server wrote this statement; --statement shows it`];
  const { disk, outcome, steps } = facts;
  const { hostname, serial, product } = facts.machine;
  return [
    rule,
    outcome.kind === "notErased" ? "RECORD OF A DISK THAT WAS NOT ERASED" : "CERTIFICATE OF ERASURE",
    rule,
    ...field("Id", id),
    ...field("Outcome", outcomeText(outcome)),
    "",
    ...field("Disk", `serial number ${disk.serial || "unknown"}`),
    ...field("", `model ${disk.model || "unknown"}, WWN ${disk.wwn || "unknown"}`),
    ...field("", `${formatCount(disk.sizeBytes)} bytes, ${disk.path} at that time`),
    ...field("Machine", `${hostname ?? "without a name"} (${machine})`),
    ...(product === undefined && serial === undefined
      ? []
      : field("", `${product || "unknown product"}, serial number ${serial || "unknown"}`)),
    ...field("Occasion", `${facts.action}, generation ${facts.generation}`),
    ...field("Reported", `${facts.reportedAt} by the machine's init`),
    ...steps.flatMap(({ method, what, startedAt, endedAt, verification }) => [
      "",
      ...field("Method", `${method}: ${what}`),
      ...field("Time", `${startedAt} to ${endedAt} (clock of the machine)`),
      ...(verification.kind === "verified"
        ? field("Verified", verification.how)
        : field("NOT VERIFIED", verification.reason)),
    ]),
    "",
    ...signatureText(id, signature),
    rule,
  ];
}

function signatureText(id: string, signature: ErasureAnswer["signature"]): readonly string[] {
  if (signature === undefined) return field("Signature", "none");
  return [
    ...field("Signed by", "the authority of the MDB, ECDSA with SHA-256; SHA-256 fingerprint of its certificate"),
    ...field("", signature.authority),
    ...field("Signature", signature.value),
    "",
    "To check it with the authority's certificate (STATE/pki/ca.pem):",
    `  birther erasures show ${id} --statement > erasure.json`,
    `  birther erasures show ${id} --signature | base64 -d > erasure.sig`,
    "  openssl x509 -in ca.pem -noout -pubkey > ca.pub",
    "  openssl dgst -sha256 -verify ca.pub -signature erasure.sig erasure.json",
  ];
}

const labelWidth = 14;

/** A label and its text, wrapped; later lines are indented. */
function field(label: string, text: string): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  do {
    const space = rest.length > width - labelWidth ? rest.lastIndexOf(" ", width - labelWidth) : rest.length;
    const end = space > 0 ? space : width - labelWidth;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  } while (rest !== "");
  return lines.map((line, index) => `${(index === 0 ? label : "").padEnd(labelWidth)}${line}`.trimEnd());
}
