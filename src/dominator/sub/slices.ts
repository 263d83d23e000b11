/** Bytes written at once: TLS encrypts them in a fraction of a millisecond. */
const sliceBytes = 64 << 10;

/** A body that is sent slice by slice, with packets answered in between. */
export function slicesOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + sliceBytes));
      at += sliceBytes;
    },
  });
}
