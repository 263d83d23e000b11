import { ip, macOf, prefix } from "../../net/testing/addresses.ts";

/** What a machine is told that starts the Bootstrap Image. */
export const testBoot = {
  binding: {
    address: ip("10.77.0.60"),
    prefix: prefix("10.77.0.0/24"),
    server: ip("10.77.0.1"),
    nameservers: [],
    leaseSeconds: 3600,
  },
  ports: { http: 80, machines: 443 },
  mac: macOf("52:54:00:00:00:01"),
  token: "0123456789abcdef",
  nowMs: 1_800_000_000_999,
};
