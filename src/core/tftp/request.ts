import { fileMeantBy } from "./garbled-name.ts";
import { negotiate, type Terms } from "./negotiate.ts";
import { netasciiLimitBytes, netasciiOf } from "./netascii.ts";
import { type TftpPacket, tftpErrors } from "./packet.ts";

/** Files by name, without a leading slash. */
export type TftpFiles = ReadonlyMap<string, Uint8Array>;

/** The decision about a request. */
export type TftpAnswer =
  | { readonly kind: "send"; readonly name: string; readonly bytes: Uint8Array; readonly terms: Terms }
  | { readonly kind: "refuse"; readonly error: TftpPacket & { kind: "error" } };

type Request = TftpPacket & { kind: "readRequest" | "writeRequest" };

/** Decides a request: only reads, and only of files with a known name. */
export function answerRequest(request: Request, files: TftpFiles, mtuBytes: number): TftpAnswer {
  if (request.kind === "writeRequest")
    return refuse("accessViolation", "expected a read request: this server is read-only");
  const mode = request.mode.toLowerCase();
  if (mode !== "octet" && mode !== "netascii") return refuse("illegalOperation", "expected the mode octet or netascii");
  const name = normaliseName(request.file);
  if (name.kind === "escapes") return refuse("accessViolation", "expected a name without ..");
  const found = findFile(files, name.name);
  if (found === undefined) return refuse("fileNotFound", "no such file");
  if (mode === "netascii" && found.bytes.length > netasciiLimitBytes)
    return refuse("illegalOperation", "expected the mode octet: the file is too large for netascii");
  const bytes = mode === "octet" ? found.bytes : netasciiOf(found.bytes);
  return {
    kind: "send",
    name: found.name,
    bytes,
    terms: negotiate(request.options, { sizeBytes: bytes.length, mode, mtuBytes }),
  };
}

/** A file name reduced to its parts: clients send `\`, leading `/tftpboot`, double slashes (netboot.md F7). */
export function normaliseName(
  text: string,
): { readonly kind: "name"; readonly name: string } | { readonly kind: "escapes" } {
  const parts = text.split(/[\\/]+/).filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return { kind: "escapes" };
  return { kind: "name", name: (parts[0]?.toLowerCase() === "tftpboot" ? parts.slice(1) : parts).join("/") };
}

/** Finds a file by its exact name, else ignoring case, else as a garbled name. */
function findFile(files: TftpFiles, name: string): { name: string; bytes: Uint8Array } | undefined {
  const exact = files.get(name);
  if (exact !== undefined) return { name, bytes: exact };
  const wanted = name.toLowerCase();
  for (const [known, bytes] of files) if (known.toLowerCase() === wanted) return { name: known, bytes };
  const meant = fileMeantBy(name);
  const bytes = meant === undefined ? undefined : files.get(meant);
  return meant === undefined || bytes === undefined ? undefined : { name: meant, bytes };
}

function refuse(error: keyof typeof tftpErrors, message: string): TftpAnswer {
  return { kind: "refuse", error: { kind: "error", code: tftpErrors[error], message } };
}
