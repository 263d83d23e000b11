import koffi from "koffi";
import type { Log } from "../../core/ports.ts";
import { longestDatagram } from "../../core/syslog/message.ts";
import { layReceiveSlots } from "../socket/mmsghdr.ts";
import { askForBuffer, bindDescriptor, closeDescriptor } from "../socket/socket-descriptor.ts";
import type { EarlyLogIntake } from "./intake.ts";

const recvmmsg = koffi.load("libc.so.6").func("int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)");

/** How often the sockets are looked at, and how many datagrams each time: of a flood, the kernel drops the rest. */
const lookEveryMs = 50;
const datagramsPerCall = 64;
const callsPerLook = 8;
export const datagramsPerLook = callsPerLook * datagramsPerCall;
/** Lines of a rack that starts at once wait here. */
const bufferBytes = 4 << 20;

/** The port on all addresses of a server; `isOpen` is false if it could not be opened. */
export type EarlyLogReceiver = Disposable & { readonly isOpen: boolean };

/**
 * Receives log lines on these addresses. The sockets are read at fixed times and not when something arrives, so that a flood takes
 * no more of the event loop, which answers DHCP, than the lines of a hall. A port that is taken costs only these lines.
 */
export function openEarlyLogReceiver(of: {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly intake: EarlyLogIntake;
  readonly log: Log;
}): EarlyLogReceiver {
  const { addresses, port, intake, log } = of;
  const descriptors: number[] = [];
  const closeAll = () => {
    for (const fd of descriptors.splice(0)) closeDescriptor(fd);
  };
  try {
    for (const address of addresses) {
      const { fd } = bindDescriptor("UDP", { address, port }, (set) => askForBuffer(set, "receive", bufferBytes));
      descriptors.push(fd);
    }
  } catch (cause) {
    closeAll();
    const next = "end what listens there, or set machineLogs.udpPort to another port, or to 0";
    log("warn", "machines cannot send log lines before TLS is up: the port is not free", {
      ...{ port, error: cause instanceof Error ? cause.message : String(cause), next },
    });
    return { isOpen: false, [Symbol.dispose]: () => {} };
  }
  // One byte more than is taken: a longer datagram is noticed, and dropped.
  const slots = layReceiveSlots(datagramsPerCall, longestDatagram + 1);
  const look = (): void => {
    // The limit is for all sockets together; each gets its turn.
    let waiting: readonly number[] = descriptors;
    for (let calls = callsPerLook; calls > 0 && waiting.length > 0; ) {
      waiting = waiting.slice(0, calls).filter((fd) => {
        calls -= 1;
        const count = recvmmsg(fd, slots.address, datagramsPerCall, 0, 0) as number;
        for (let slot = 0; slot < count; slot += 1) intake.receive(slots.bytes(slot), slots.peer(slot).address);
        return count === datagramsPerCall;
      });
    }
    intake.flush();
  };
  const timer = setInterval(look, lookEveryMs).unref();
  log("info", "receiving log lines of machines by UDP", { addresses, port });
  return {
    isOpen: true,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      closeAll();
    },
  };
}
