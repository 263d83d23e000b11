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
}): Promise<Pick<SessionLink, "bases" | "fingerprint">> {
  const { addresses, names, port, certificate } = options;
  if (addresses.length === 0) return { bases: [] };
  const served = addresses.map(formatIpv4);
  const everywhere = served.includes("0.0.0.0");
  const ours = Object.values(networkInterfaces()).flatMap((all = []) =>
    all.flatMap(({ address, family, internal }) => (family === "IPv4" && !internal ? [address] : [])),
  );
  const hosts = [...names, ...(everywhere ? [hostname(), ...ours, "localhost"] : served)];
  const bases = [...new Set(hosts)].map((host) => `https://${host}:${port}`);
  const { fingerprint256 } = new X509Certificate((await certificate()).certificatePem);
  return { bases, fingerprint: fingerprint256 };
}
