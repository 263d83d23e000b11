/** The network that all DHCP servers under test serve: four million addresses, so that none runs out. */
export const dhcpSite = {
  server: "10.64.0.1",
  client: "10.64.0.2",
  prefix: "10.64.0.0/10",
  netmask: "255.192.0.0",
  prefixLength: 10,
  first: "10.64.1.0",
  last: "10.127.254.255",
} as const;
