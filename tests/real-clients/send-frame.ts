/** Sends one Ethernet frame at the client's end of a cable: `send-frame.ts INTERFACE HEX`. */
import { bytesFromHex } from "../../src/core/bytes/text.ts";
import { interfaceIndex, openPacketSocket } from "../../src/lab/packet-socket.ts";

const [device = "", hex = ""] = process.argv.slice(2);
using socket = openPacketSocket(0, new Uint8Array(6), []);
if (!socket.send(interfaceIndex(device), bytesFromHex(hex) ?? new Uint8Array())) process.exitCode = 1;
