import type { Config } from "../../contract/config/schema.ts";
import type { SentOrder } from "../../contract/machine/order.ts";
import { protocolForOrder } from "../../core/birth/order-answer.ts";
import type { SignedLoader } from "../../core/boot-loader/signed-loader.ts";
import { isSameDisk } from "../../core/hardware/disk-identity.ts";
import { defaultArchitecture, type MachineArchitecture } from "../../core/machine/architecture.ts";
import type { SwitchPort } from "../../core/machine/heard-place.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { OrderAction } from "../../core/machine/state.ts";
import { type Endpoint, formatEndpoint } from "../../core/net/endpoint.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { type Network, type PermanentPart, permanentPart, signatureFor } from "../../core/network/network.ts";
import { noOtherMdbs, type OtherMdbs } from "../../core/network/site-server.ts";
import type { ImageRule } from "../../core/site/image-rule.ts";
import type { PlacementRule } from "../../core/site/placement.ts";

/** What the server's part of an order is made of. */
export type OrderDeps = {
  readonly config: Config;
  /** The other servers of the database; none if absent. */
  readonly othersOn?: (network: string) => OtherMdbs;
  /** What an image is for that a machine with this id would get by a rule; undefined if that is not known. */
  readonly architectureOf?: (image: string, id: MachineId) => MachineArchitecture | undefined;
  /** The Boot Server's signed loaders for disks; only if a network uses Secure Boot. */
  readonly signedLoader?: SignedLoader;
};

/** The order for a machine, without what is secret or of this moment. */
export function orderFor(
  machine: Machine,
  action: OrderAction,
  { config, signedLoader, othersOn = () => noOtherMdbs, architectureOf = () => undefined }: OrderDeps,
): Omit<SentOrder, "session" | "nowMs"> {
  const network = networkOf(machine, config);
  const permanent = permanentPart(network);
  const others = othersOn(network.name);
  const { rootDisk, layouts, ...storage } = config.storage;
  // Neither recovering a key nor going on after a power cut chooses a disk.
  const choosesDisk = action === "birth" || action === "rebirth" || action === "clean";
  const imageRules = config.images.map((rule) =>
    withArchitecture(rule, machine, architectureOf(rule.image, machine.id)),
  );
  const rules = {
    ...(choosesDisk && rootDisk.length > 0 ? { rootDiskRules: rootDisk } : {}),
    ...(choosesDisk ? layoutsOf(config.images, layouts) : {}),
  };
  const erase = action === "clean" && machine.erase !== undefined ? { erase: machine.erase } : {};
  const history = diskHistoryOf(machine);
  return {
    protocol: protocolForOrder({
      ...{ action, placementRules: config.placement.rules, imageRules, ...rules, ...erase, ...history },
      permanent: extendedPart(permanent),
    }),
    machineId: machine.id,
    action,
    generation: machine.generation,
    placementRules: config.placement.rules.map(ruleText),
    ...(machine.relay === undefined ? {} : { relay: machine.relay }),
    ...operatorPart(machine),
    ...profilesOf(config),
    lldpSeconds: config.placement.lldpSeconds,
    imageRules,
    burnIn: profileOf(config.burnIn),
    storage,
    ...rules,
    ...erase,
    ...(signatureFor(network) === "debian" && signedLoader !== undefined ? { signedLoader } : {}),
    ...history,
    ...(action === "recover" ? {} : resumePart(machine)),
    permanent: {
      prefixLength: permanent.prefix.length,
      nameservers: permanent.nameservers.map(formatIpv4),
      mdb: formatEndpoint({ address: permanent.serverAddress, port: config.ports.machines }),
      ...(permanent.gateway === undefined ? {} : { gateway: formatIpv4(permanent.gateway) }),
      ...extendedPart(permanent),
      ...otherMdbs(others.permanent),
    },
    ...otherMdbs(others.temporary),
    takesProgress: true,
    keepsErasures: true,
    retrySeconds: config.retrySeconds,
  };
}

/**
 * An image rule for a machine: an image for other machines than this one gets the condition that it is for those, so that init
 * passes it over, or says which image it was, before anything is written to a disk.
 */
function withArchitecture(rule: ImageRule, machine: Machine, architecture: MachineArchitecture | undefined): ImageRule {
  const own = machine.architecture ?? defaultArchitecture;
  if (architecture === undefined || architecture === own || rule.when.architecture !== undefined) return rule;
  return { ...rule, when: { ...rule.when, architecture } };
}

/** The switch port that an operator named: of a newcomer in its announcement, later the one that it was installed by. */
export function operatorPlaceOf(machine: Machine): SwitchPort | undefined {
  const { announced, placement } = machine;
  if (announced?.place !== undefined) return announced.place;
  if (placement?.source !== "operator") return undefined;
  return { switchName: placement.switchName, port: placement.port };
}

function operatorPart(machine: Machine): Pick<SentOrder, "operatorPlace"> {
  const operatorPlace = operatorPlaceOf(machine);
  return operatorPlace === undefined ? {} : { operatorPlace };
}

/** The profiles, if a rule names one: a machine needs all of them before it knows its place. */
function profilesOf({ placement, networkProfiles }: Config): Pick<SentOrder, "networkProfiles"> {
  return placement.rules.some(({ profile }) => profile !== undefined) ? { networkProfiles: [...networkProfiles] } : {};
}

/** What a permanent network has beside an untagged IPv4 prefix. */
function extendedPart({ vlan, ipv6 }: PermanentPart): Pick<SentOrder["permanent"], "vlan" | "ipv6"> {
  return {
    ...(vlan === undefined ? {} : { vlan }),
    ...(ipv6 === undefined
      ? {}
      : {
          ipv6: {
            prefixLength: Number(ipv6.prefix.split("/")[1]),
            nameservers: ipv6.nameservers,
            ...(ipv6.gateway === undefined ? {} : { gateway: ipv6.gateway }),
          },
        }),
  };
}

/** The layouts that image rules name: a machine needs all of them before it knows its image. */
function layoutsOf(images: Config["images"], layouts: Config["storage"]["layouts"]): Pick<SentOrder, "layouts"> {
  const named = layouts.filter(({ name }) => images.some(({ layout }) => layout === name));
  return named.length === 0 ? {} : { layouts: [...named] };
}

/** Without what concerns only the server. */
function profileOf({ suspects: _, ...profile }: Config["burnIn"]): SentOrder["burnIn"] {
  return profile;
}

const otherMdbs = (endpoints: readonly Endpoint[]) =>
  endpoints.length === 0 ? {} : { otherMdbs: endpoints.map(formatEndpoint) };

const ruleText = ({ address, ...rule }: PlacementRule): SentOrder["placementRules"][number] => ({
  ...rule,
  address: { ...address, first: formatIpv4(address.first) },
});

/** What init needs to open the root of a machine that its birth has left without an image. */
function resumePart(machine: Machine): Pick<SentOrder, "resume"> {
  if (machine.state !== "healthy") return {};
  const { hostname, permanentAddress, storage } = machine;
  const { encryption } = storage;
  const inTpm = encryption.kind === "luks2" && encryption.keyIn === "tpm" ? { keyInTpm: true as const } : {};
  const address = formatIpv4(permanentAddress);
  return { resume: { hostname, address, encrypted: encryption.kind !== "none", ...inTpm } };
}

/**
 * What init needs to tell a machine's root disk from data disks: the root disk of the last birth and the other disks of
 * that time. A birth, rebirth or clean keeps the disk that it chose when its placement was accepted; another disk is then
 * used only if it is empty, or if an operator allows it.
 */
function diskHistoryOf(
  machine: Machine,
): Pick<SentOrder, "rootDisk" | "knownDisks" | "dataDisks" | "mirrorDisk" | "allowedDisk"> {
  const { storage, birthDisk, allowedDisk, mayWipe } = machine;
  const recorded = birthDisk ?? storage?.rootDisk;
  if (recorded === undefined) return {};
  const { serial, wwn, path, sizeBytes } = recorded;
  const known = storage === undefined ? [] : storage.disks;
  const selector = allowedDisk?.selector;
  return {
    rootDisk: { serial, path, sizeBytes, ...(wwn === undefined ? {} : { wwn }) },
    ...(known === undefined ? {} : { knownDisks: [...known] }),
    ...dataDisksOf(machine),
    ...(storage?.mirrorDisk === undefined ? {} : { mirrorDisk: { ...storage.mirrorDisk } }),
    ...(allowedDisk === undefined && mayWipe === undefined
      ? {}
      : { allowedDisk: selector === undefined ? {} : { selector } }),
  };
}

/** The data disks of its last birth, and those that this generation has chosen. */
function dataDisksOf({ storage, birthDisk }: Machine): Pick<SentOrder, "dataDisks"> {
  const chosen = birthDisk?.dataDisks ?? [];
  const made = (storage?.volumes ?? []).map(({ disk }) => disk).filter(({ path }) => path !== storage?.rootDisk.path);
  const disks = [...chosen, ...made.filter((disk) => !chosen.some((one) => isSameDisk(one, disk)))];
  return disks.length === 0 ? {} : { dataDisks: disks.map((disk) => ({ ...disk })) };
}

/** The network that the machine was last seen on; the first network if that one is no longer configured. */
export function networkOf(machine: Machine, config: Config): Network {
  const network = config.networks.find(({ name }) => name === machine.network) ?? config.networks[0];
  if (network === undefined) throw new Error("configuration: expected at least one network, found none");
  return network;
}
