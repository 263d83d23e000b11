import { join } from "node:path";
import { type DebianSource, fetchSource } from "../../src/bootstrap-image/debian/source.ts";
import { cacheDirectory } from "../../src/main/paths.ts";

/** What hostile or old senders put on a wire, collected by others for their own tests. */
const sources: { readonly [name in "systemd" | "tcpdump"]: DebianSource } = {
  systemd: { name: "systemd", version: "257.13-1~deb13u1", release: "trixie" },
  tcpdump: { name: "tcpdump", version: "4.99.3-1", release: "bookworm" },
};

/** The directories in which the inputs lie, fetched unless the cache has them. */
export async function fetchCorpora() {
  const context = { cacheDirectory, log: (_: string, text: string) => void process.stdout.write(`${text}\n`) };
  const { directory: systemd } = await fetchSource(sources.systemd, context);
  const { directory: tcpdump } = await fetchSource(sources.tcpdump, context);
  return {
    captures: join(tcpdump, "tests"),
    fuzzInputs: join(systemd, "test/fuzz"),
    networkTests: join(systemd, "src/libsystemd-network"),
  };
}
