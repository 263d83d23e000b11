import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/**
 * Requests that begin in one turn of the event loop: about 4 ms of processor time. When thousands of machines ask at the same moment,
 * packets must not wait for all of them.
 */
const begunPerTurn = 8;
/** Requests that have begun are dropped from the queue together: each time costs as much as the queue is long. */
const dropAtOnce = 1024;

/**
 * Has a listener begin with a few requests in each turn of the event loop, in the order in which they came; those whose client has gone
 * meanwhile are passed over. One request of each connection waits: who sends more before it is answered is not paced, so that no more
 * wait than there are connections.
 */
export function paceRequests(listener: RequestListener): RequestListener {
  const waiting: (readonly [IncomingMessage, ServerResponse])[] = [];
  const waitingSockets = new Set<IncomingMessage["socket"]>();
  /** The first of `waiting` that has not begun. */
  let next = 0;
  let left = begunPerTurn;
  let isScheduled = false;

  function scheduleTurn(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(turn);
  }
  function begin(request: IncomingMessage, response: ServerResponse): void {
    left -= 1;
    listener(request, response);
  }
  function turn(): void {
    isScheduled = false;
    left = begunPerTurn;
    for (; left > 0 && next < waiting.length; next += 1) {
      const [request, response] = waiting[next] as (typeof waiting)[number];
      waitingSockets.delete(request.socket);
      if (!response.destroyed) begin(request, response);
    }
    if (next < waiting.length) scheduleTurn();
    if (next < waiting.length && next < dropAtOnce) return;
    waiting.splice(0, next);
    next = 0;
  }
  return (request, response) => {
    // It lets the next turn begin with as many again.
    scheduleTurn();
    const isFree = left > 0 && waiting.length === 0;
    if (isFree || waitingSockets.has(request.socket)) {
      begin(request, response);
      return;
    }
    waitingSockets.add(request.socket);
    waiting.push([request, response]);
  };
}
