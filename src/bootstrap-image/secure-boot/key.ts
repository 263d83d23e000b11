import "reflect-metadata";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import type { SecureBootKey } from "./sign.ts";

/** RSA 2048 with SHA-256: what all firmware with Secure Boot can verify (UEFI 2.10 §32.4.1). */
const algorithm = {
  ...{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 },
  publicExponent: Uint8Array.of(1, 0, 1),
} as const;

/** Firmware does not look at the dates, but enrolment tools may. */
const validYears = 20;

/** The files in the directory of the key; `der` is the certificate in the form that firmware menus read. */
export function secureBootFiles(directory: string): SecureBootKey & { readonly der: string } {
  return {
    key: join(directory, "db.key"),
    certificate: join(directory, "db.pem"),
    der: join(directory, "db.cer"),
  };
}

/** Makes the site's key for Secure Boot; throws if there is one, because machines trust it. */
export async function makeSecureBootKey(directory: string, nowMs: number): Promise<void> {
  if ((await findSecureBootKey(directory)) !== undefined)
    throw new Error(`${directory}: expected no key for Secure Boot, found one; machines may trust it, so it stays`);
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const notAfter = new Date(nowMs);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + validYears);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Birther Secure Boot",
    notBefore: new Date(nowMs),
    notAfter,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([codeSigning]),
    ],
  });
  const pem = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  const files = secureBootFiles(directory);
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o700);
  // The certificate comes last: with it the pair is complete.
  await save(files.key, `${pem}\n`, 0o600);
  await save(files.der, new Uint8Array(certificate.rawData), 0o644);
  await save(files.certificate, `${certificate.toString("pem")}\n`, 0o644);
}

/** RFC 5280 §4.2.1.12. */
const codeSigning = "1.3.6.1.5.5.7.3.3";

/** The key in a directory, made by `makeSecureBootKey` or put there; undefined without one. Throws if the two do not match. */
export async function findSecureBootKey(directory: string): Promise<SecureBootKey | undefined> {
  const { key, certificate } = secureBootFiles(directory);
  const pem = await readFile(certificate, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT") throw cause;
    return undefined;
  });
  if (pem === undefined) return undefined;
  const keyPem = await readFile(key, "utf8").catch((cause: unknown) => {
    throw new Error(`${certificate}: expected its key in ${key}; restore it from a backup`, { cause });
  });
  if (!new X509Certificate(pem).checkPrivateKey(createPrivateKey(keyPem)))
    throw new Error(`${certificate}: expected the certificate of ${key}, found that of another key`);
  return { key, certificate };
}

async function save(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  await writeFile(`${path}.new`, content, { mode, flush: true });
  await rename(`${path}.new`, path);
}
