import type { ComponentChildren } from "preact";
import type { MachineView } from "../../contract/operator/views.ts";
import { Time } from "../parts/time.tsx";
import { factsText } from "../text/facts-text.ts";
import { bytesText, countText } from "../text/time.ts";
import { Erasures } from "./erasures.tsx";

type Known = NonNullable<MachineView["hardware"]>;

/** What the machine consists of, its disks and how they are protected, its NICs, and whom it saw on the wire. */
export function Hardware({ machine }: { machine: MachineView }) {
  const { hardware, storage } = machine;
  if (hardware === undefined) return <p>Its hardware is not known yet: init reports it.</p>;
  return (
    <>
      <table>
        <caption class="hidden">hardware</caption>
        <tbody>
          {factsOf(machine, hardware).map(([name, text]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Disks hardware={hardware} storage={storage} />
      <Erasures id={machine.id} />
      <table>
        <caption>NICs</caption>
        <tbody>
          {hardware.nics.map(({ name, mac, driver, speedMbps, carrier, path }) => (
            <tr key={path}>
              <th scope="row">{name}</th>
              <td class="mono">{mac}</td>
              <td>{driver}</td>
              <td>{speedMbps === 0 ? "–" : `${countText(speedMbps)} Mbit/s`}</td>
              <td>{carrier ? "carrier" : "no carrier"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function factsOf(machine: MachineView, hardware: Known): readonly (readonly [string, ComponentChildren])[] {
  const { storage, trust, neighbours = [] } = machine;
  const { smbios, cpus, cpuModel, memoryMiB, firmware, secureBoot, tpm, watchdog } = hardware;
  return [
    ["Board", `${smbios.vendor} ${smbios.product}`],
    ["Serial number", smbios.serial],
    ["CPUs", `${countText(cpus)} × ${cpuModel}`],
    ["Memory", bytesText(memoryMiB * 1024 * 1024)],
    ["Firmware", `${firmware}${secureBoot ? ", Secure Boot" : ""}${tpm ? ", TPM" : ""}`],
    ["Watchdog", watchdog === "" ? "none" : watchdog],
    ["Trust", Object.values(trust).join(", ") || "nothing vouches for it"],
    ["Encryption", encryptionText(storage)],
    ["Disk key", <DiskKey key="disk-key" machine={machine} />],
    ["Neighbours", neighbours.map(factsText).join("; ") || "none heard"],
  ];
}

/** What a disk is used for: the root, a volume of the layout with its mount point, or nothing of Birther's. */
function useOf(path: string, storage: MachineView["storage"]): string {
  if (path === storage?.rootDisk.path) return "root disk";
  if (path === storage?.mirrorDisk?.path) return "second disk of the root's mirror";
  const volume = storage?.volumes?.find(({ disk }) => disk.path === path);
  if (volume === undefined) return "not used";
  return volume.mountPoint === undefined ? `volume ${volume.name}` : `volume ${volume.name} at ${volume.mountPoint}`;
}

function Disks({ hardware, storage }: { hardware: Known; storage: MachineView["storage"] }) {
  return (
    <table>
      <caption>Disks</caption>
      <thead>
        <tr>
          <th scope="col">Path</th>
          <th scope="col">Model</th>
          <th scope="col">Serial number</th>
          <th scope="col">Size</th>
          <th scope="col">Use</th>
        </tr>
      </thead>
      <tbody>
        {hardware.disks.map(({ path, model, serial, sizeBytes, bus, rotational }) => (
          <tr key={path}>
            <th scope="row" class="mono">
              {path}
            </th>
            <td>
              {model} ({bus}
              {rotational ? ", rotational" : ""})
            </td>
            <td class="mono">{serial}</td>
            <td>{bytesText(sizeBytes)}</td>
            <td>{useOf(path, storage)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** When the key was made: each generation has its own, and what earlier keys protected cannot be read any more. */
function DiskKey({ machine: { storage, timeline, generation } }: { machine: MachineView }) {
  const made = timeline.filter(({ phase }) => phase === "keysMade").at(-1);
  if (storage?.encryption.kind !== "luks2") return <>none</>;
  return (
    <>
      of generation {generation}
      {made === undefined ? "" : ", made "}
      {made === undefined ? null : <Time atMs={made.atMs} />}
      {generation > 1 ? "; keys of earlier generations were dropped" : ""}
    </>
  );
}

function encryptionText(storage: MachineView["storage"]): string {
  if (storage === undefined) return "not installed yet";
  const { encryption } = storage;
  if (encryption.kind === "none") return `none: ${encryption.reason}`;
  return `LUKS2, its key is in ${encryption.keyIn === "tpm" ? "the TPM" : "a UEFI variable"}`;
}
