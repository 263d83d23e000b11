import { formatIpv4, type Ipv4, parseIpv4 } from "./ipv4.ts";

/** An IPv4 address and a TCP port. */
export type Endpoint = { readonly address: Ipv4; readonly port: number };

/** Reads `10.77.0.1:443`. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [addressText, portText, ...rest] = text.split(":");
  const address = parseIpv4(addressText ?? "");
  if (address === undefined || rest.length > 0 || !/^\d{1,5}$/.test(portText ?? "")) return undefined;
  const port = Number(portText);
  return port >= 1 && port <= 65535 ? { address, port } : undefined;
}

/** `10.77.0.1:443`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return `${formatIpv4(address)}:${port}`;
}
