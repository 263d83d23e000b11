import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate authority in STATE/pki: `ca` is the first, `ca-2` and so on were added. */
export type Authority = {
  readonly name: string;
  readonly files: AuthorityFiles;
  readonly certificatePem: string;
  /** SHA-256 of the certificate, as browsers and openssl print it: upper-case hex pairs separated by colons. */
  readonly fingerprint: string;
};

type AuthorityFiles = { readonly key: string; readonly certificate: string };

/** Name of the first authority. */
export const firstAuthority = "ca";

/** The files of an authority in STATE/pki. */
export function authorityFiles(directory: string, name = firstAuthority): AuthorityFiles {
  return { key: join(directory, `${name}.key`), certificate: join(directory, `${name}.pem`) };
}

/** The authorities whose certificate is in STATE/pki, in the order in which they were made. */
export function authoritiesIn(directory: string): readonly Authority[] {
  const numbers = existsSync(directory)
    ? readdirSync(directory).flatMap((file) => {
        const match = /^ca(?:-(\d+))?\.pem$/.exec(file);
        return match === null ? [] : [Number(match[1] ?? 1)];
      })
    : [];
  return numbers
    .sort((one, other) => one - other)
    .map((number) => {
      const name = number === 1 ? firstAuthority : `${firstAuthority}-${number}`;
      const files = authorityFiles(directory, name);
      const certificatePem = readFileSync(files.certificate, "utf8");
      return { name, files, certificatePem, fingerprint: fingerprintOf(certificatePem) };
    });
}

/** The file that machines get: the certificates of all these authorities. */
export function bundleOf(authorities: readonly Authority[]): string {
  return authorities.map(({ certificatePem }) => certificatePem).join("");
}

/** SHA-256 of a certificate, upper-case hex pairs separated by colons. */
export function fingerprintOf(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256;
}
