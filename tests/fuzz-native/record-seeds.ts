/**
 * Records what a TLS server sends, as seeds of the target `tls`: `node tests/fuzz-native/record-seeds.ts`. The keys are new
 * each time, so a recording gets past the server's certificate, and the mutations do the rest.
 */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import * as tls from "node:tls";
import { issue, makeAuthority } from "../native/certificates.ts";

const here = import.meta.dirname;
const authority = await makeAuthority("birther test CA");
await writeFile(join(here, "authority.pem"), authority.pem);
await writeFile(join(here, "seeds/tls/ca-file"), authority.pem);
const server = tls.createServer(await issue(authority, "birther"), (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n"));
server.listen(0, "127.0.0.1");
await once(server, "listening");

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  const heard: Buffer[] = [];
  const proxy = createServer((client) => {
    const upstream = connect((server.address() as AddressInfo).port, "127.0.0.1");
    upstream.on("data", (piece) => heard.push(piece));
    client.pipe(upstream).pipe(client);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;
  const only = { minVersion: version, maxVersion: version } as const;
  const client = tls.connect({ port, ca: authority.pem, servername: "birther", ...only });
  client.resume();
  await once(client, "close");
  proxy.close();
  await writeFile(join(here, `seeds/tls/${version}`), Buffer.concat(heard));
}
server.close();
