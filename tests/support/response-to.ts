import type { ClientRequest, IncomingMessage } from "node:http";

/** What a client gets has a status (Node's documentation of `message.statusCode`). */
type Answer = IncomingMessage & { readonly statusCode: number };

/**
 * The head of the answer to a request. A server may answer before it has the whole request, and close the connection: what breaks off
 * then is an error of the request as well, also after its answer, so the listener for errors stays.
 */
export function responseTo(sent: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) =>
    sent.once("response", (answer) => resolve(answer as Answer)).on("error", reject),
  );
}
