/** Reads the classic pcap format (libpcap, microseconds, little-endian, Ethernet): what `tcpdump -w` writes here. */
export function framesOf(capture: Uint8Array): Uint8Array[] {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.byteLength);
  if (view.getUint32(0, true) !== 0xa1b2c3d4) throw new Error("not a little-endian microsecond pcap file");
  const frames: Uint8Array[] = [];
  for (let at = 24; at + 16 <= capture.length; ) {
    const length = view.getUint32(at + 8, true);
    frames.push(Uint8Array.from(capture.subarray(at + 16, at + 16 + length)));
    at += 16 + length;
  }
  return frames;
}

/** The UDP payloads sent to a port over IPv4, in order. */
export function udpPayloadsTo(port: number, frames: readonly Uint8Array[]): Uint8Array[] {
  return frames.flatMap((frame) => {
    const isIpv4Udp = frame[12] === 8 && frame[13] === 0 && frame[23] === 17;
    const udp = 14 + ((frame[14] ?? 0) & 15) * 4;
    const destination = ((frame[udp + 2] ?? 0) << 8) | (frame[udp + 3] ?? 0);
    const length = ((frame[udp + 4] ?? 0) << 8) | (frame[udp + 5] ?? 0);
    return isIpv4Udp && destination === port ? [frame.subarray(udp + 8, udp + length)] : [];
  });
}
