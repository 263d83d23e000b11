import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openOrigin } from "../../src/dominator/origin/origin.ts";
import { rightOf } from "../../src/dominator/sub/right.ts";
import { issue } from "../native/certificates.ts";
import { freePort } from "../support/free-port.ts";
import type { SubFixture } from "./sub-fixture.ts";

const program = new URL("../../src/main/server/origin-program.ts", import.meta.url);

type FixtureOrigin = AsyncDisposable & { readonly port: number };
type Confidential = NonNullable<Parameters<typeof openOrigin>[0]["confidential"]>;

/** The port for public images of a fixture. */
export function publicOrigin(sub: SubFixture, nginx: string | undefined): Promise<FixtureOrigin> {
  return originOf(sub, nginx, async () => undefined);
}

/** The port for confidential images of a fixture. */
export function confidentialOrigin(sub: SubFixture, nginx: string | undefined): Promise<FixtureOrigin> {
  return originOf(sub, nginx, async (directory) => {
    const { cert, key } = await issue(sub.authority, "birther");
    const tls = { certificate: join(directory, "server.pem"), key: join(directory, "server.key") };
    writeFileSync(tls.certificate, cert);
    writeFileSync(tls.key, key);
    const streams = sub.directories.confidential;
    return { streams, tls, requestsPerMinute: 600, rightOf: (sent) => rightOf(sent, sub.store) };
  });
}

async function originOf(
  { directories }: SubFixture,
  nginx: string | undefined,
  closed: (directory: string) => Promise<Confidential | undefined>,
): Promise<FixtureOrigin> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "birther-origin-"));
  const confidential = await closed(directory);
  const origin = await openOrigin({
    ...{ addresses: ["127.0.0.1"], port, program, connectionsPerAddress: 64, nginx, log: () => undefined },
    ...{ objects: directories.objects, images: directories.images, directory: join(directory, "run") },
    ...(confidential === undefined ? {} : { confidential }),
  });
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      await origin[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}
