/** The network that all DHCP servers under test serve: a quarter of a million addresses, so that none runs out. */
export const dhcpSite = {
  server: "10.64.0.1",
  client: "10.64.0.2",
  prefix: "10.64.0.0/14",
  netmask: "255.252.0.0",
  prefixLength: 14,
  first: "10.64.1.0",
  last: "10.67.254.255",
} as const;
