import { siblingsAnswer } from "../answers/fleet.ts";
import { logAnswer } from "../answers/log.ts";
import { eventsAnswer, listAnswer, machineAnswer } from "../answers/machine.ts";
import { packetsAnswer } from "../answers/network.ts";
import { openApiAnswer, statusAnswer } from "../answers/server.ts";
import { textAnswer } from "../export-shapes.ts";
import { eventsQuery, logQuery } from "../requests/history.ts";
import { createBody, listQuery, patchBody } from "../requests/machine.ts";
import { noQuery } from "../requests/values.ts";
import { ifMatch, type Routes } from "./route.ts";

/** The server itself, and what is known of machines. */
export const machinesRoutes = {
  openapi: {
    method: "GET",
    path: "/v1/openapi.json",
    role: "anyone",
    says: "this description of the API",
    query: noQuery,
    answer: openApiAnswer,
  },
  status: {
    method: "GET",
    path: "/v1/status",
    role: "viewer",
    says: "version and start of the server, and the number of machines in each state",
    query: noQuery,
    answer: statusAnswer,
  },
  list: {
    method: "GET",
    path: "/v1/machines",
    role: "viewer",
    says: "the machines in pages, ordered by id",
    query: listQuery,
    answer: listAnswer,
  },
  get: {
    method: "GET",
    path: "/v1/machines/:name",
    role: "viewer",
    says: "one machine",
    query: noQuery,
    answer: machineAnswer,
  },
  create: {
    method: "POST",
    path: "/v1/machines",
    role: "operator",
    says: "announce a machine before its first PXE request",
    query: noQuery,
    body: createBody,
    answer: machineAnswer,
    status: 201,
  },
  set: {
    method: "PATCH",
    path: "/v1/machines/:name",
    role: "operator",
    says: "change the details of a machine; If-Match must carry the entity tag of the record as read",
    query: noQuery,
    body: patchBody,
    bodyType: "application/merge-patch+json",
    headers: [{ ...ifMatch, required: true }],
    answer: machineAnswer,
  },
  events: {
    method: "GET",
    path: "/v1/machines/:name/events",
    role: "viewer",
    says: "the latest events of a machine, newest last",
    query: eventsQuery,
    answer: eventsAnswer,
  },
  log: {
    method: "GET",
    path: "/v1/machines/:name/log",
    role: "viewer",
    says: "the log lines of init and the agent that are kept, oldest first, over all boots of the machine",
    query: logQuery,
    answer: logAnswer,
  },
  siblings: {
    method: "GET",
    path: "/v1/machines/:name/siblings",
    role: "viewer",
    says:
      "a machine beside the machines of its model, itself among them: how long it was in each phase, and the figures of " +
      "its latest burn-in",
    query: noQuery,
    answer: siblingsAnswer,
  },
  packets: {
    method: "GET",
    path: "/v1/machines/:name/packets",
    role: "viewer",
    says: "the latest DHCP and TFTP packets of a machine, newest last",
    query: noQuery,
    answer: packetsAnswer,
  },
  packetCapture: {
    method: "GET",
    path: "/v1/machines/:name/packets.pcap",
    role: "viewer",
    says: "the same packets as a file for Wireshark and tcpdump; its Ethernet headers are made up",
    query: noQuery,
    answer: textAnswer,
    answerType: "application/vnd.tcpdump.pcap",
  },
} as const satisfies Routes;
