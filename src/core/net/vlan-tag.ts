import { uint16At } from "../bytes/big-endian.ts";

/** The Ethernet type of a tag (IEEE 802.1Q). */
const tagType = 0x8100;
const addressesBytes = 12;

/** An Ethernet frame with the tag of a VLAN; as it is if `vlan` is undefined. */
export function withVlanTag(frame: Uint8Array, vlan: number | undefined): Uint8Array {
  if (vlan === undefined) return frame;
  const tag = Uint8Array.of(tagType >>> 8, tagType & 255, vlan >>> 8, vlan & 255);
  return Uint8Array.from([...frame.subarray(0, addressesBytes), ...tag, ...frame.subarray(addressesBytes)]);
}

/** The VLAN of a frame and the frame without its tag; `vlan` is absent if it has none. */
export function withoutVlanTag(frame: Uint8Array): { readonly frame: Uint8Array; readonly vlan?: number } {
  if (frame.length < addressesBytes + 6 || uint16At(frame, addressesBytes) !== tagType) return { frame };
  return {
    frame: Uint8Array.from([...frame.subarray(0, addressesBytes), ...frame.subarray(addressesBytes + 4)]),
    vlan: uint16At(frame, addressesBytes + 2) & 0xfff,
  };
}
