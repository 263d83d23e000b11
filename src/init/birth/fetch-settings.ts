import * as host from "host";
import { type BootSettings, readFetchedSettings } from "../../core/birth/boot-settings.ts";
import { beginSearch, type SettingsPlace, stepSearch } from "../../core/birth/settings-search.ts";
import { uint32At } from "../../core/bytes/big-endian.ts";
import { decodeUtf8 } from "../../core/bytes/utf8.ts";
import { clientFrame, ipv4EtherType, readServerFrame } from "../../core/dhcp/client-frame.ts";
import type { Nic } from "../../core/hardware/hardware.ts";
import { scanNics } from "../../core/hardware/scan.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Log } from "../../core/ports.ts";
import { bootedFrom } from "../device/firmware/efi.ts";
import { checkUnused } from "../device/network/address-probe.ts";
import { setNicUp, waitForNic } from "../device/network/nic.ts";
import { withPacketSocket } from "../device/network/packet-socket.ts";
import { systemTree } from "../device/tree.ts";
import { openHttp } from "../system/http.ts";
import { stop } from "./stop.ts";

/** How long the servers on one NIC's wire are asked. */
const searchMs = 60_000;
/** Settings are some hundred bytes. */
const maxSettingsBytes = 4096;

/** The watchdog's deadline for `fetchSettings`. */
export const fetchSettingsSeconds = 300;

/**
 * The boot settings of the signed image: by DHCP and HTTP, from the first server that answers. They are believed only as far as
 * to find the MDB, which then has to prove its identity; settings that name another machine are refused. `onAddress` is called once
 * this machine has its address.
 */
export function fetchSettings(log: Log, onAddress: (place: SettingsPlace) => void): BootSettings {
  const nic = bootNic();
  setNicUp(nic, log);
  const place = searchOn(nic);
  const { address, prefixLength, gateway, leasedBy, server, path } = place;
  log("info", "settings found", { nic: nic.name, address: formatIpv4(address), server: formatIpv4(server.address) });
  checkUnused(nic, { address, leasedBy });
  host.interfaceAddress(nic.name, formatIpv4(address), prefixLength);
  if (gateway !== undefined) host.defaultRoute(formatIpv4(gateway));
  onAddress(place);
  const reading = readFetchedSettings(
    fetchText({ address: formatIpv4(server.address), port: server.port }, path),
    nic.mac,
  );
  if (reading.kind === "refused") throw stop(reading.reason);
  return reading.settings;
}

/** The NIC that the firmware booted from; if it does not say, the first one with a link, then the first one. */
function bootNic(): Nic {
  const mac = bootedFrom();
  if (mac !== undefined) return waitForNic(mac);
  const nics = scanNics(systemTree);
  const nic = nics.find(({ carrier }) => carrier) ?? nics[0];
  if (nic === undefined) throw stop("expected a NIC, found none");
  return nic;
}

/** Asks the DHCP servers on a NIC's wire for a lease and for the place of the settings; throws if none answers in time. */
export function searchOn({ name, mac }: Pick<Nic, "name" | "mac">, mostMs = searchMs): SettingsPlace {
  return withPacketSocket(name, ipv4EtherType, (socket) => {
    const endMs = host.monotonicMs() + mostMs;
    const xid = uint32At(new Uint8Array(host.randomBytes(4)), 0);
    let step = stepSearch(beginSearch(mac, xid), undefined, host.monotonicMs());
    while (step.kind === "waiting") {
      if (step.send !== undefined) socket.send(clientFrame(mac, step.send));
      const nowMs = host.monotonicMs();
      if (nowMs > endMs) throw stop(`expected the address of this machine's settings by DHCP on ${name}, found none`);
      const frame = socket.receive(Math.max(1, step.wakeAtMs - nowMs));
      const packet = frame === undefined ? undefined : readServerFrame(frame);
      step = stepSearch(step.search, packet, host.monotonicMs());
    }
    return step.place;
  });
}

function fetchText(server: { readonly address: string; readonly port: number }, path: string): string {
  const client = openHttp(server);
  let text = "";
  try {
    client.get(path, (bytes) => {
      text += decodeUtf8(bytes);
      if (text.length > maxSettingsBytes) throw stop(`${path}: expected at most ${maxSettingsBytes} bytes, found more`);
    });
  } finally {
    client.close();
  }
  return text;
}
