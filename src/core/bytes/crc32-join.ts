/**
 * Joins CRC-32 checksums (RFC 1952 §8) of byte strings to that of their concatenation, without their bytes: the checksum is a
 * remainder of polynomials over GF(2) modulo 0xedb88320 (lowest bit first), and appending n bytes multiplies it by x^(8n).
 */
const polynomial = 0xedb88320;
/** The polynomial 1, as the highest bit stands for x^0. */
const one = 0x80000000;

/** x^(8 · bytes): what `joinCrc` needs of a byte string of this length. */
export function crcShift(bytes: number): number {
  let [result, square] = [one, one >>> 8];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

/** The checksum of some bytes followed by those of a second string. */
export function joinCrc(first: number, second: { readonly crc: number; readonly shift: number }): number {
  return (multiply(first, second.shift) ^ second.crc) >>> 0;
}

function multiply(a: number, b: number): number {
  let [product, shifted] = [0, b];
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial;
  }
  return product >>> 0;
}
