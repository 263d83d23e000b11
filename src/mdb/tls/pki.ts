import "reflect-metadata";
import { createPrivateKey, type webcrypto, X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as x509 from "@peculiar/x509";
import { serverName } from "../../contract/machine/paths.ts";
import { parseIpv4 } from "../../core/net/ipv4.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { syncDirectory } from "../sync-directory.ts";
import { type Authority, authoritiesIn, authorityFiles, firstAuthority } from "./authorities.ts";

/** The identity of a TLS server, and the CA file for the Bootstrap Image. PEM texts. */
export type ServerIdentity = { readonly caPem: string; readonly certificatePem: string; readonly keyPem: string };

// ECDSA P-256 with SHA-256: the fastest to verify for mbed TLS in the Bootstrap Image.
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
// A new machine's clock may be anywhere. init sets a clock that is off by more than a day to the boot script's time; a
// script without a time lifts it to this date.
const longAgo = new Date("2020-01-01T00:00:00Z");
const dayMs = 86_400_000;
// A server whose clock has never been set must not make an authority that has expired when the clock is right.
const earliestNowMs = Date.parse("2026-01-01T00:00:00Z");
const caDays = 365 * 20;
const serverDays = 365 * 2;
const renewDays = 90;

/** STATE/pki, and the fingerprint of the authority that issues; the first authority if it is undefined. */
export type PkiPlace = { readonly directory: string; readonly issuing?: string };

/**
 * The server's identity in STATE/pki: makes the first CA at the first start, and the server certificate when it is
 * missing, expires within 90 days or only after more than two years, or is from another authority. A CA is never replaced, because every machine born so
 * far trusts it; authority.ts adds and retires others.
 */
export async function openPki(
  options: PkiPlace & {
    readonly clock: Clock;
    readonly log: Log;
    /** Which of our servers, and its names and IPv4 addresses; the server for machines if undefined. */
    readonly server?: { readonly file: string; readonly names: readonly string[] };
  },
): Promise<ServerIdentity> {
  const { directory, clock, log, server: wanted = { file: serverForMachines, names: [serverName] } } = options;
  const authorities = await openAuthorities(options);
  const files = serverFiles(directory, wanted.file);
  const { issuing } = options;
  const authority =
    issuing === undefined ? authorities[0] : authorities.find(({ fingerprint }) => fingerprint === issuing);
  if (authority === undefined) throw new Error(`${directory}: expected the authority ${issuing}, found no such file`);
  const { certificatePem: caPem } = authority;
  if (!serves(files, { caPem, names: wanted.names, nowMs: clock.nowMs() })) {
    const caKeyPem = readFileSync(authority.files.key, "utf8");
    const server = await makeServer({ caPem, caKeyPem, names: wanted.names, nowMs: clock.nowMs() });
    save(files.key, server.keyPem, 0o600);
    save(files.certificate, server.certificatePem, 0o644);
    log("info", "created a server certificate", { directory, names: wanted.names, days: serverDays });
  }
  return {
    caPem,
    certificatePem: readFileSync(files.certificate, "utf8"),
    keyPem: readFileSync(files.key, "utf8"),
  };
}

/** The files of a server's certificate and key; without a name those of the server for machines. */
export function serverFiles(directory: string, name: string = serverForMachines) {
  return { key: join(directory, `${name}.key`), certificate: join(directory, `${name}.pem`) };
}

const serverForMachines = "server";

/** The authorities in STATE/pki; makes the first one if there is none. */
export async function openAuthorities(options: {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * A key without its certificate is the remainder of a very first start that was cut; it is replaced, because nobody
   * trusts it yet.
   */
  readonly remakeHalfAuthority?: boolean;
}): Promise<readonly Authority[]> {
  const { directory, clock, log } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const caFiles = authorityFiles(directory);
  const others = authoritiesIn(directory).filter(({ name }) => name !== firstAuthority);
  const isHalfMade = existsSync(caFiles.key) && !existsSync(caFiles.certificate);
  if (isHalfMade && options.remakeHalfAuthority === true) {
    rmSync(caFiles.key);
    log("warn", "removed an incomplete certificate authority of an interrupted first start", { directory });
  }
  // Beside others, one file of the first is left by a retirement that was cut.
  if (others.length === 0 && existsSync(caFiles.key) !== existsSync(caFiles.certificate)) {
    throw new Error(
      `${directory}: expected both ca.key and ca.pem, found only one; restore the other from a backup, because no machine would trust a new authority`,
    );
  }
  // The first one may have been retired since.
  if (!existsSync(caFiles.key) && others.length === 0) {
    await writeAuthority(directory, firstAuthority, clock);
    log("info", "created a certificate authority", { directory });
  }
  return authoritiesIn(directory);
}

/** Makes an authority under a name that is free; its key is on the disk before its certificate. */
export async function writeAuthority(directory: string, name: string, clock: Pick<Clock, "nowMs">): Promise<void> {
  const files = authorityFiles(directory, name);
  const ca = await makeAuthority(clock.nowMs());
  save(files.key, ca.keyPem, 0o600);
  save(files.certificate, ca.certificatePem, 0o644);
}

/** Whether the files hold a matching pair issued by this CA for these names, valid for some time. */
function serves(
  files: { readonly key: string; readonly certificate: string },
  { caPem, names, nowMs }: { readonly caPem: string; readonly names: readonly string[]; readonly nowMs: number },
): boolean {
  if (!existsSync(files.key) || !existsSync(files.certificate)) return false;
  const certificate = new X509Certificate(readFileSync(files.certificate));
  const lastsMs = Date.parse(certificate.validTo) - Math.max(nowMs, earliestNowMs);
  const belongs = certificate.checkPrivateKey(createPrivateKey(readFileSync(files.key)));
  const named = (certificate.subjectAltName ?? "").split(", ").map((name) => name.replace(/^(DNS|IP Address):/, ""));
  const sameNames = [...named].sort().join() === [...names].sort().join();
  const fromCa = certificate.verify(new X509Certificate(caPem).publicKey);
  // One that lasts longer than a new one was made while the clock was ahead; some clients refuse it.
  const lasts = lastsMs > renewDays * dayMs && lastsMs <= (serverDays + 1) * dayMs;
  return belongs && sameNames && lasts && fromCa;
}

async function makeAuthority(nowMs: number) {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=Birther certificate authority",
    notBefore: longAgo,
    notAfter: new Date(Math.max(nowMs, earliestNowMs) + caDays * dayMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { keyPem: await privatePem(keys.privateKey), certificatePem: `${certificate.toString("pem")}\n` };
}

async function makeServer(options: {
  readonly caPem: string;
  readonly caKeyPem: string;
  readonly names: readonly string[];
  readonly nowMs: number;
}) {
  const { caPem, caKeyPem, names, nowMs } = options;
  const authority = new x509.X509Certificate(caPem);
  const caKey = await crypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(caKeyPem), algorithm, false, [
    "sign",
  ]);
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${names[0]}`,
    issuer: authority.subject,
    notBefore: longAgo,
    notAfter: new Date(Math.max(nowMs, earliestNowMs) + serverDays * dayMs),
    publicKey: keys.publicKey,
    signingKey: caKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: parseIpv4(value) === undefined ? ("dns" as const) : ("ip" as const), value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return { keyPem: await privatePem(keys.privateKey), certificatePem: `${certificate.toString("pem")}\n` };
}

/** RFC 5280 §4.1.2.2: positive, unique for this CA, at most 20 bytes. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString("hex");
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** Never leaves a partial file: a power cut during a server's first second must not cost its authority. */
function save(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode, flush: true });
  renameSync(`${path}.new`, path);
  // The MDB records the fingerprint next, perhaps on another computer: the name must be on this disk before.
  syncDirectory(dirname(path));
}
