import type { Command } from "commander";
import type { Actions } from "../act/actions.ts";
import { type LocalOptions, localChangeOptions, print } from "../api/server-options.ts";
import { printData } from "../output/data.ts";

/** Adds `secure-boot make-key`. */
export function secureBootCommand(program: Command, { makeSecureBootKey }: Pick<Actions, "makeSecureBootKey">): void {
  const secureBoot = program.command("secure-boot").description("the site's own key for Secure Boot");
  const makeKey = secureBoot
    .command("make-key")
    .description("make the key that signs the Bootstrap Image and the boot loader of disks");
  localChangeOptions(makeKey).action(async (options: LocalOptions) => {
    const { findState } = await import("../api/find-server.ts");
    const { key, certificate, der } = await makeSecureBootKey(await findState(options.state), {
      reason: options.reason,
    });
    if (await printData({ key, certificate, der }, options)) return;
    print(
      `key          ${key}`,
      `certificate  ${certificate} (PEM)`,
      `             ${der} (DER, for firmware menus)`,
      "Next: enrol the certificate as the only entry of db on the machines (docs/secure-boot.md), set secureBoot: true and " +
        "secureBootKey: own for their network, and start the server again.",
    );
  });
}
