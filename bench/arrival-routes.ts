import { execFileSync } from "node:child_process";
import type { Wire } from "../tests/real-clients/wire.ts";
import { machinePrefixes, router, serverAt } from "./arrival-site.ts";

/** All machines are behind one router, and each address of theirs is there. */
export function layRoutes({ inside, clientInterface }: Wire): void {
  const ip = (text: string, where: readonly string[] = []) => {
    const [command = "", ...argv] = [...where, "ip", ...text.split(" ")];
    execFileSync(command, argv);
  };
  ip(`address add ${router}/24 dev ${clientInterface}`, inside);
  ip("link set lo up", inside);
  ip(`route add default via ${serverAt(0).temporary}`, inside);
  for (const prefix of machinePrefixes) {
    ip(`route add local ${prefix} dev lo`, inside);
    ip(`route add ${prefix} via ${router}`);
  }
}

/** The addresses of the n-th server at its end of the wire, with their prefix lengths. */
export function addressesOfServer(nth: number): readonly string[] {
  return [`${serverAt(nth).temporary}/24`, `${serverAt(nth).permanent}/32`];
}
