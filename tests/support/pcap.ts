/** Link types of pcap files (tcpdump.org/linktypes.html): Ethernet, and Linux's cooked capture. */
const linkTypes = { ethernet: 1, linuxCooked: 113 } as const;

/** First words of a classic pcap file as its writer spells them: times in microseconds or nanoseconds. */
const magics: readonly number[] = [0xa1b2c3d4, 0xa1b23c4d];

/**
 * The Ethernet frames of a file in the classic pcap format, in either byte order. A cooked frame (of `tcpdump -i any`) gets
 * Ethernet addresses of zero. A file of another link type has no frames; a frame that is cut ends with the file.
 */
export function framesOf(capture: Uint8Array): Uint8Array[] {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.byteLength);
  const little = magics.includes(view.getUint32(0, true));
  if (!little && !magics.includes(view.getUint32(0)))
    throw new Error("expected a classic pcap file, found another one");
  const linkType = view.getUint32(20, little) & 0xffff;
  const frames: Uint8Array[] = [];
  for (let at = 24; at + 16 <= capture.length; ) {
    const length = view.getUint32(at + 8, little);
    const bytes = Uint8Array.from(capture.subarray(at + 16, at + 16 + length));
    if (linkType === linkTypes.ethernet) frames.push(bytes);
    if (linkType === linkTypes.linuxCooked) frames.push(Uint8Array.of(...new Uint8Array(12), ...bytes.subarray(14)));
    at += 16 + length;
  }
  return frames;
}

/** A UDP datagram of a frame. */
export type Datagram = { readonly from: number; readonly to: number; readonly payload: Uint8Array };

const vlanTags: readonly number[] = [0x8100, 0x88a8, 0x9100];

/** The UDP datagram that an Ethernet frame carries over IPv4, through VLAN tags; undefined for anything else, such as a later fragment. */
export function datagramOf(frame: Uint8Array): Datagram | undefined {
  const word = (at: number) => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
  let at = 12;
  while (vlanTags.includes(word(at))) at += 4;
  const ip = at + 2;
  const isUdp = word(at) === 0x0800 && frame[ip + 9] === 17 && (word(ip + 6) & 0x1fff) === 0;
  const udp = ip + ((frame[ip] ?? 0) & 15) * 4;
  if (!isUdp || udp + 8 > frame.length) return undefined;
  return { from: word(udp), to: word(udp + 2), payload: frame.subarray(udp + 8, udp + Math.max(8, word(udp + 4))) };
}

/** The UDP payloads sent to a port over IPv4, in order. */
export function udpPayloadsTo(port: number, frames: readonly Uint8Array[]): Uint8Array[] {
  return frames.flatMap((frame) => {
    const datagram = datagramOf(frame);
    return datagram?.to === port ? [datagram.payload] : [];
  });
}
