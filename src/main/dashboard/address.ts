import { X509Certificate } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import type { SessionLink } from "../../contract/operator/session.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Certificate } from "../../mdb/tls/operator-certificate.ts";

/** Where browsers find the dashboard, the likeliest address first, and the fingerprint of the certificate they are shown. */
export async function dashboardAddress(options: {
  readonly addresses: readonly Ipv4[];
  readonly names: readonly string[];
  readonly port: number;
  readonly certificate: () => Promise<Certificate>;
  /** Where browsers find it, if not at these addresses. */
  readonly bases?: readonly string[] | undefined;
}): Promise<Pick<SessionLink, "bases" | "fingerprint">> {
  const { addresses, names, port, certificate } = options;
  const fingerprint = async () => new X509Certificate((await certificate()).certificatePem).fingerprint256;
  if (options.bases !== undefined) return { bases: options.bases, fingerprint: await fingerprint() };
  if (addresses.length === 0) return { bases: [] };
  const served = addresses.map(formatIpv4);
  const everywhere = served.includes("0.0.0.0");
  const ours = Object.values(networkInterfaces()).flatMap((all = []) =>
    all.flatMap(({ address, family, internal }) => (family === "IPv4" && !internal ? [address] : [])),
  );
  const hosts = [...names, ...(everywhere ? [hostname(), ...ours, "localhost"] : served)];
  const bases = [...new Set(hosts)].map((host) => `https://${host}:${port}`);
  return { bases, fingerprint: await fingerprint() };
}
