import * as v from "valibot";
import type { Network } from "../../../core/network/network.ts";
import { defaultNewMachinesPerMinute } from "../../../core/network/newcomer-limit.ts";
import { pinned } from "../../same.ts";
import { leaf, optional, required, withDefault } from "../entry.ts";
import { address, count, interfaceName, ipv6Address, ipv6Prefix, prefix, shortName, yesOrNo } from "../values.ts";
import { vlan } from "./network-profiles.ts";

/** One network that machines boot from. */
export const network = v.strictObject({
  name: required(shortName, "Name of the network in records and logs."),
  interface: optional(
    interfaceName,
    "The interface that connects the server to this network. Birther listens on no other interface. A network has either this key or `relay`.",
  ),
  relay: optional(
    v.strictObject({
      gateway: required(
        address,
        "Gateway through which machines reach the server while they have a temporary address.",
      ),
      agents: withDefault(
        v.array(address),
        [],
        "Addresses of relay agents (giaddr) that are outside this network. List neither agents inside it nor agents that send the link selection sub-option (RFC 3527).",
      ),
    }),
    "A network without an interface of the server: relay agents (a router's DHCP helper) forward its requests to `serverAddress`.",
  ),
  serverAddress: required(
    address,
    "The server's address: DHCP server identifier, TFTP, HTTP and MDB. It must be on `interface`; for a relayed network, any address that its machines and relay agents can reach.",
  ),
  prefix: required(prefix, "The prefix of the temporary addresses."),
  temporaryPool: required(
    v.strictObject({
      first: required(address, "The first address of the pool."),
      last: required(address, "The last address of the pool."),
    }),
    "Addresses for machines that have no permanent address yet.",
  ),
  nursery: withDefault(
    yesOrNo,
    false,
    "Whether unknown machines are born on this network. On other networks they are recorded and sent to their local disk, which is not touched.",
  ),
  freshRack: withDefault(
    yesOrNo,
    false,
    "Whether the disks of new machines here hold nothing of value. `false`: a machine that the MDB has never seen and whose disks hold " +
      "a file system, RAID, a volume or a partition table is put on hold, and `birther release NAME --wipe` lets it be born. `true`: it is born at once.",
  ),
  maxNewMachinesPerMinute: withDefault(
    count("a whole number of machines", 1, 1_000_000),
    defaultNewMachinesPerMinute,
    "Maximum number of unknown machines accepted per minute; they may all arrive at once. Further unknown machines are ignored, and the log says so. The limit exists because any host on the network can invent MAC addresses. Known machines are always served.",
  ),
  secureBoot: withDefault(
    yesOrNo,
    false,
    "Whether UEFI machines on this network get Debian's signed chain (shim, GRUB, kernel) instead of iPXE, which no firmware trusts under Secure Boot. " +
      "A DHCP request does not say whether a machine enforces Secure Boot; the signed chain also starts machines that do not. x64 only. " +
      "Births on this network install the signed shim and GRUB on the disk, too, so the system image needs a signed kernel (Debian's kernel is signed).",
  ),
  secureBootKey: withDefault(
    leaf("debian or own", v.picklist(["debian", "own"])),
    "debian",
    "With `secureBoot`: `debian`: the chain with Microsoft's and Debian's signatures; it starts on machines as they are sold, but GRUB takes an unsigned command line and initramfs. " +
      "`own`: one image with kernel, initramfs and command line, and the boot loader on the disk, signed with the key of this site (`birther secure-boot make-key`), whose certificate must be in the machines' db (docs/secure-boot.md).",
  ),
  mode: withDefault(
    leaf("full, proxy or listen", v.picklist(["full", "proxy", "listen"])),
    "full",
    "`full`: Birther leases the addresses. `proxy`: another DHCP server leases the addresses, and Birther adds the boot file (ProxyDHCP, ports 67 and 4011); " +
      "`prefix` and `temporaryPool` then describe the leases of that server. `listen`: Birther answers nothing, no machine is born, and the log shows the answers that `full` would give.",
  ),
  allowForeignDhcp: withDefault(
    yesOrNo,
    false,
    "Whether Birther keeps serving a network in mode `full` after it has detected another DHCP server there.",
  ),
  permanent: optional(
    v.strictObject({
      prefix: required(prefix, "The prefix of the permanent addresses."),
      serverAddress: required(
        address,
        "The server's address on the permanent network, which machines use after their birth.",
      ),
      gateway: optional(address, "Default gateway of the machines."),
      nameservers: withDefault(v.array(address), [], "Name servers of the machines."),
      vlan: optional(
        vlan,
        "The VLAN that carries this network, tagged, on the cable that machines boot from; the boot network stays untagged. " +
          "Machines then have temporary addresses whenever they boot, and this one in the installed system (docs/network-profiles.md).",
      ),
      ipv6: optional(
        v.strictObject({
          prefix: required(ipv6Prefix, "The prefix of the addresses that `ipv6` of placement rules gives."),
          gateway: optional(
            ipv6Address,
            "Default gateway, also a link-local address; without it, the machines listen to router advertisements.",
          ),
          nameservers: withDefault(v.array(ipv6Address), [], "Name servers of the machines."),
        }),
        "IPv6 addresses of the machines beside IPv4. Births use IPv4 only.",
      ),
    }),
    "The network of machines after their birth, on the same cable. Without this section, machines stay in `prefix`.",
  ),
});

pinned<Network>()(network);
