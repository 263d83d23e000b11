/**
 * What a machine says of its TPM when it presents its token. `proved`: it has activated a credential that was made for this
 * endorsement key, whose public area has this SHA-256 (lower-case hex; the digest in the key's name).
 */
export type TpmClaim =
  | { readonly kind: "proved"; readonly ekSha256: string }
  | { readonly kind: "unusable"; readonly reason: string }
  | { readonly kind: "none" };

/** The endorsement key that a machine is bound to since it was first proved. */
export type TpmBinding = { readonly ekSha256: string; readonly firstSeenMs: number };

/** The first characters of a key's digest, as messages show it. */
export function shortKey(ekSha256: string): string {
  return ekSha256.slice(0, 16);
}

/** Why a claim does not meet a machine's binding: expected, found, and what to check; undefined if it does. */
export function whyNotBound(
  binding: TpmBinding | undefined,
  claim: TpmClaim | undefined,
): { readonly found: string; readonly check: string } | undefined {
  if (binding === undefined) return undefined;
  switch (claim?.kind) {
    case "proved":
      if (claim.ekSha256 === binding.ekSha256) return undefined;
      return {
        found: `endorsement key ${shortKey(claim.ekSha256)}`,
        check: "check whether another machine uses this MAC address",
      };
    case "unusable":
      return { found: `a TPM that cannot be used: ${claim.reason}`, check: "check the TPM in the firmware's setup" };
    case "none":
      return { found: "no TPM", check: "enable the TPM in the firmware's setup" };
    case undefined:
      return {
        found: "a Bootstrap Image that cannot use TPMs",
        check: "update the server that sends this Bootstrap Image",
      };
  }
}
