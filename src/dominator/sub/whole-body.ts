/**
 * The whole body of a request that announced its length, copied piece by piece as it arrives: joining tens of megabytes at
 * the end would hold up the packets. Throws if the sender goes away before the end.
 */
export async function wholeBody(request: Request, announced: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(announced);
  let length = 0;
  for await (const piece of request.body ?? []) {
    if (length + piece.length > announced)
      throw new Error(`body: expected the announced ${announced} bytes, found more`);
    whole.set(piece, length);
    length += piece.length;
  }
  return whole.subarray(0, length);
}
