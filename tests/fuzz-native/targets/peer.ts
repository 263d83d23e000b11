// Requests of strangers to the program that serves contents, and lines of its settings.

/** What the harness gives: the readers of host-peer-request.c; the status of the input as a request. */
declare const peerRequest: (bytes: ArrayBuffer) => number;

Object.assign(globalThis, { take });

function take(input: ArrayBuffer): void {
  peerRequest(input);
}
