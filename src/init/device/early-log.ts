import * as host from "host";
import * as os from "os";
import { lineCharacters } from "../../core/machine/log-line.ts";
import { type Endpoint, formatEndpoint } from "../../core/net/endpoint.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import { writeSyslog } from "../../core/syslog/message.ts";
import { sleepMs } from "../system/clock.ts";
import type { Console } from "./console.ts";
import { openKernelLog } from "./kernel/kernel-log.ts";
import { kernelLines } from "./kernel-lines.ts";

/** The kernel's messages before the network was up are sent at once: of more, the newest. */
const mostKernelLines = 200;
/** Datagrams in a row; while the server's MAC address is unknown, the kernel keeps about a hundred. */
const burst = 32;
const restMs = 3;
const facilities = { kernel: 0, init: 3 } as const;
const severities = { error: 3, warn: 4, info: 6 } as const;

/** Log lines by UDP. */
export type EarlyLog = {
  /** From now on lines go to this server, from this address; to none if no server takes any. */
  readonly sendTo: (server: Endpoint | undefined, own: Ipv4) => void;
  readonly close: () => void;
};

/** An early log that goes nowhere yet. `boot` is the id of this boot. */
export function openEarlyLog(console: Console, boot: string): EarlyLog {
  let running: { readonly to: string; readonly close: () => void } | undefined;
  const close = (): void => {
    running?.close();
    running = undefined;
  };
  return {
    close,
    sendTo: (server, own) => {
      const to = server && `${formatIpv4(own)} ${formatEndpoint(server)}`;
      if (running?.to === to) return;
      close();
      if (server !== undefined && to !== undefined) running = { to, ...startSending(console, { server, own, boot }) };
    },
  };
}

/**
 * Sends the console's lines and the kernel's to the Boot Server, those so far and each further one, until it is closed. The lines stay
 * with the console, and go to the MDB by TLS too. Nothing that fails here is noticed: UDP may lose what it wants.
 */
function startSending(
  console: Console,
  of: { readonly server: Endpoint; readonly own: Ipv4; readonly boot: string },
): Pick<EarlyLog, "close"> {
  const socket = openSocket(of.server);
  if (socket === undefined) return { close: () => {} };
  const kernel = openKernelLog();
  const own = formatIpv4(of.own);
  let sequence = 0;

  const send = (app: keyof typeof facilities, line: string): void => {
    sequence += 1;
    const message = { facility: facilities[app], severity: severityOf(line), host: own, app, boot: of.boot, sequence };
    try {
      const datagram = writeSyslog({ ...message, text: line.slice(0, lineCharacters) });
      host.packetSend(socket, datagram.slice().buffer);
    } catch {
      // Nobody listens, or the link is down: the next one may arrive.
    }
    if (sequence % burst === 0) sleepMs(restMs);
  };
  const sendKernel = (): void => {
    // How many are left out, TLS says: they come then.
    for (const line of kernelLines(kernel.take(), mostKernelLines).lines) send("kernel", line);
  };
  console.log("info", "log lines also go to the Boot Server by UDP", { server: formatEndpoint(of.server) });
  sendKernel();
  console.copyTo((line) => {
    sendKernel();
    send("init", line);
  });
  return {
    close: () => {
      console.copyTo(undefined);
      kernel.close();
      os.close(socket);
    },
  };
}

/** Without it, the birth goes on. */
function openSocket({ address, port }: Endpoint): number | undefined {
  try {
    return host.udpConnect(formatIpv4(address), port);
  } catch {
    return undefined;
  }
}

/** A line of the console begins with its time, and with its level if that is one to notice. */
function severityOf(line: string): number {
  const [, level] = /^\[ *[\d.]+\] (ERROR|WARN): /.exec(line) ?? [];
  return level === "ERROR" ? severities.error : level === "WARN" ? severities.warn : severities.info;
}
