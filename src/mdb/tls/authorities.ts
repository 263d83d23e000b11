import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate authority in STATE/pki: `ca` is the first, `ca-2` and so on were added. */
export type Authority = {
  readonly name: string;
  /** They are counted in the order in which they were made. */
  readonly number: number;
  readonly files: AuthorityFiles;
  readonly certificatePem: string;
  /** SHA-256 of the certificate, as browsers and openssl print it: upper-case hex pairs separated by colons. */
  readonly fingerprint: string;
};

type AuthorityFiles = { readonly key: string; readonly certificate: string };

/** Name of the first authority. */
export const firstAuthority = "ca";

/** Name of the n-th authority, from 1. */
export function authorityName(number: number): string {
  return number === 1 ? firstAuthority : `${firstAuthority}-${number}`;
}

/** The files of an authority in STATE/pki. */
export function authorityFiles(directory: string, name = firstAuthority): AuthorityFiles {
  return { key: join(directory, `${name}.key`), certificate: join(directory, `${name}.pem`) };
}

/** What is appended to the names of a retired authority's files. */
export const retiredSuffix = ".retired";

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
      const name = authorityName(number);
      const files = authorityFiles(directory, name);
      const certificatePem = readFileSync(files.certificate, "utf8");
      return { name, number, files, certificatePem, fingerprint: fingerprintOf(certificatePem) };
    });
}

/** The authorities that were retired: their certificates are kept under other names. */
export function retiredIn(
  directory: string,
): readonly { readonly name: string; readonly file: string; readonly fingerprint: string }[] {
  const files = existsSync(directory) ? readdirSync(directory) : [];
  return files.flatMap((file) => {
    const name = /^(ca(?:-\d+)?)\.pem\.retired$/.exec(file)?.[1];
    if (name === undefined) return [];
    const path = join(directory, file);
    return [{ name, file: path, fingerprint: fingerprintOf(readFileSync(path, "utf8")) }];
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
