/** The frames of a capture, or why the file is none. */
export type CaptureReading =
  | { readonly kind: "frames"; readonly frames: readonly Uint8Array[] }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Magic numbers of libpcap's classic format: microseconds and nanoseconds. */
const magics: readonly number[] = [0xa1b2c3d4, 0xa1b23c4d];
const pcapngMagic = 0x0a0d0d0a;
const headerBytes = 24;
const recordBytes = 16;
const ethernetLink = 1;
/** Frames that are read; one is enough to try a rule. */
const frameLimit = 10_000;

/**
 * Reads a capture of Ethernet frames: a classic pcap file of either byte order, or text with the hex digits of one frame a
 * line (spaces and colons are skipped, `#` begins a comment). A frame that the file cuts off is left out.
 */
export function readCapture(bytes: Uint8Array): CaptureReading {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && view.getUint32(0) === pcapngMagic)
    return unreadable("expected a classic pcap file, found pcapng; tcpdump -r FILE -w CLASSIC converts it");
  const isLittle = bytes.length >= 4 && magics.includes(view.getUint32(0, true));
  if (isLittle || (bytes.length >= 4 && magics.includes(view.getUint32(0)))) return readPcap(bytes, view, isLittle);
  return readHexLines(bytes);
}

function readPcap(bytes: Uint8Array, view: DataView, isLittle: boolean): CaptureReading {
  if (bytes.length < headerBytes) return unreadable("the pcap file ends in its header");
  const link = view.getUint32(20, isLittle) & 0xffff;
  if (link !== ethernetLink) return unreadable(`expected Ethernet (link type 1), found link type ${link}`);
  const frames: Uint8Array[] = [];
  for (let at = headerBytes; at + recordBytes <= bytes.length && frames.length < frameLimit; ) {
    const length = view.getUint32(at + 8, isLittle);
    const start = at + recordBytes;
    if (start + length > bytes.length) break;
    frames.push(bytes.subarray(start, start + length));
    at = start + length;
  }
  return frames.length === 0 ? unreadable("the pcap file has no whole frame") : { kind: "frames", frames };
}

function readHexLines(bytes: Uint8Array): CaptureReading {
  const frames: Uint8Array[] = [];
  let text = "";
  for (const byte of bytes.subarray(0, frameLimit * 100)) text += String.fromCharCode(byte);
  for (const [index, line] of text.split("\n").entries()) {
    const digits = line.replace(/#.*$/, "").replace(/[\s:]/g, "");
    if (digits === "") continue;
    if (!/^([0-9a-fA-F]{2})+$/.test(digits))
      return unreadable(`line ${index + 1}: expected a pcap file, or the hex digits of a frame on each line`);
    frames.push(Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
  }
  return frames.length === 0 ? unreadable("the file is empty") : { kind: "frames", frames };
}

const unreadable = (reason: string): CaptureReading => ({ kind: "unreadable", reason });
