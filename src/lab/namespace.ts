import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";

/**
 * The command that runs `argv` as PID 1 of its own network and process namespace.
 *
 * Nothing in it can outlive us, not even after `kill -9` of the process that starts it: its death kills `unshare`
 * (parent-death signal), whose death kills PID 1 (--kill-child). The death of PID 1 makes the kernel kill every process
 * of the namespace (pid_namespaces(7)) and then remove all its interfaces (network_namespaces(7)).
 */
export function namespaceCommand(argv: readonly string[], root: boolean): readonly string[] {
  return [
    // Without root a user namespace comes first: entering one later changes credentials, which clears the parent-death
    // signal (prctl(2), PR_SET_PDEATHSIG).
    ...(root ? [] : ["unshare", "--user", "--map-root-user", "--"]),
    ...["setpriv", "--pdeathsig", "KILL", "--"],
    ...["unshare", "--net", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc", "--"],
    ...argv,
  ];
}

export type NamespaceOptions = {
  readonly stdio?: StdioOptions;
  readonly cwd?: string;
  readonly env?: { readonly [name: string]: string | undefined };
};

/** Starts `argv` in a namespace of its own. `kill("SIGKILL")` of the child ends everything in it. */
export function startInNamespace(argv: readonly string[], options: NamespaceOptions = {}): ChildProcess {
  const [command = "", ...rest] = namespaceCommand(argv, process.getuid?.() === 0);
  return spawn(command, rest, {
    ...options,
    stdio: options.stdio ?? "inherit",
    env: { ...process.env, ...options.env },
  });
}
