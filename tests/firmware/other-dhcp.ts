import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { waitFor } from "../support/inside-namespace.ts";

const execute = promisify(execFile);

/**
 * A real dnsmasq as another host on the rack's switch, 10.77.0.2, leasing .100 to .199, without TFTP or boot file;
 * `leases` in the directory is its list.
 */
export async function startDnsmasq(directory: string, more: readonly string[] = []): Promise<AsyncDisposable> {
  await using made = new AsyncDisposableStack();
  const kept = (child: ChildProcess): ChildProcess => {
    const gone = once(child, "exit");
    made.defer(async () => {
      child.kill("SIGKILL");
      await gone;
    });
    return child;
  };
  const host = kept(spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" }));
  await once(host, "spawn");
  const inside = ["nsenter", "-t", String(host.pid), "-n"];
  const run = ([name = "", ...rest]: readonly string[]) => execute(name, rest, { timeout: 60_000 });
  const ip = (text: string, where: readonly string[] = []) => run([...where, "ip", ...text.split(" ")]);
  await waitFor("the other host's namespace", 60, () => (hasLeft(host.pid) ? true : undefined));
  await ip("link add other0 type veth peer name other1 address 02:00:00:00:00:99");
  made.defer(async () => void (await ip("link delete other0")));
  await ip(`link set other1 netns ${host.pid}`);
  await ip("link set other0 master rack0 up");
  await ip("address add 10.77.0.2/24 dev other1", inside);
  await ip("link set other1 up", inside);
  const options = [
    ...["--keep-in-foreground", "--log-facility=-", "--port=0", "--interface=other1", "--no-ping"],
    ...["--dhcp-range=10.77.0.100,10.77.0.199,255.255.255.0,1h", `--dhcp-leasefile=${join(directory, "leases")}`],
    ...["--conf-file=/dev/null", "--user=root", "--pid-file"],
    ...more,
  ];
  const [command = "", ...rest] = [...inside, "dnsmasq", ...options];
  const dnsmasq = kept(spawn(command, rest, { stdio: ["ignore", "ignore", "pipe"] }));
  let output = "";
  dnsmasq.stderr?.on("data", (text: Buffer) => {
    output += text.toString();
  });
  await waitFor("dnsmasq (apt-get install dnsmasq-base)", 60, () => {
    if (dnsmasq.exitCode !== null) throw new Error(`dnsmasq: ${output}`);
    return output.includes("DHCP") || undefined;
  });
  return made.move();
}

/** Whether a child has entered its own network namespace. */
function hasLeft(pid: number | undefined): boolean {
  return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
}
