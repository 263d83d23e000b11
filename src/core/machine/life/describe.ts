import type { EventKind } from "./move.ts";

/** The sources of events, with the heading of each. Only an operator, or a policy that an operator configured, may wipe a healthy machine. */
export const eventSources = {
  network: "Events from the network",
  operator: "Events from operators",
  watch: "Events from stall detection",
  policy: "Events from the repair policy",
} as const;
export type Source = keyof typeof eventSources;

/** Each event: its source, and one sentence about it. docs/machine-life.md is generated from this. */
export const eventText: { readonly [K in EventKind]: { readonly from: Source; readonly text: string } } = {
  pxeAsked: { from: "network", text: "The machine sends a PXE request." },
  pxeAskedAgain: { from: "network", text: "The machine repeats its PXE request, a counted number of times." },
  addressDeclined: { from: "network", text: "The machine declines an address because another host uses it." },
  addressReturned: { from: "network", text: "The exhausted pool reclaims the temporary address of a silent machine." },
  addressSeen: { from: "network", text: "Another DHCP server leases an address to the machine." },
  phaseSeen: { from: "network", text: "The machine reaches a phase." },
  orderIssued: { from: "network", text: "The machine fetches a boot script with a new token." },
  orderTaken: { from: "network", text: "init presents the token and takes the order." },
  hardwareScanned: { from: "network", text: "init reports the hardware of the machine." },
  neighboursSeen: { from: "network", text: "init reports the LLDP neighbours on the machine's cable." },
  burnInDone: { from: "network", text: "init reports the result of the burn-in." },
  placed: { from: "network", text: "init reports the switch port of the machine." },
  failed: { from: "network", text: "A step of the birth or the update fails." },
  becameHealthy: { from: "network", text: "init requests to be declared healthy." },
  agentResumed: { from: "network", text: "init has opened the root again, for a machine without its first image." },
  subSeen: { from: "network", text: "The agent polls." },
  rebirthAsked: { from: "operator", text: "An operator requests a rebirth." },
  cleanAsked: { from: "operator", text: "An operator requests a clean." },
  rebootAsked: { from: "operator", text: "An operator lets the agent restart the machine." },
  rebootSent: { from: "network", text: "The agent is told to restart the machine." },
  rebirthCancelled: { from: "operator", text: "An operator cancels a pending rebirth, clean or restart." },
  machineCreated: { from: "operator", text: "An operator announces a machine before its first request." },
  detailsSet: { from: "operator", text: "An operator changes tags, groups, images or NICs." },
  imageRequired: {
    from: "operator",
    text: "A version of its stream is promoted or returned, or the machine is the first to try one.",
  },
  retired: { from: "operator", text: "An operator removes the machine from the fleet." },
  takeoverAuthorised: { from: "operator", text: "An operator lets the machine take over from another machine." },
  stalled: { from: "watch", text: "The machine makes no progress." },
  resumed: { from: "watch", text: "The machine makes progress again." },
  repairStepped: { from: "policy", text: "The configured repair policy takes a step." },
  recoveryAllowed: { from: "operator", text: "An operator allows one recovery of the sealed disk key." },
  recoverySigned: { from: "network", text: "init asks for the signature that opens the sealed disk key." },
  conditionSet: {
    from: "operator",
    text: "A condition is set: *hold* or *maintenance* by an operator, *waiting* by the queue for the uplink.",
  },
  conditionCleared: { from: "operator", text: "A condition is cleared." },
};

/** The effect of each cell of the table, by the name of its function. docs/machine-life.md is generated from this; a test compares the names. */
export const transitionText: { readonly [transition: string]: string } = {
  askUnknown: "→ **birth** on a nursery network; otherwise the request is counted",
  askForBirth: "a new attempt begins",
  askHealthy:
    "before its first image is in place: its agent is to resume; a recovery that is allowed: the disk key is recovered; otherwise the machine is sent to its disk; phase *rebooting*; *failing* if that repeats",
  countRequests: "the requests are counted",
  noteDecline: "a temporary address is replaced; for the permanent address: *conflict*",
  returnAddress: "the address returns to the pool if the machine is still silent",
  noteAddress: "the address is recorded, unless it is the permanent address of another machine",
  seeBirthPhase: "phases up to *populated* are recorded; later ones are refused",
  seeHealthyPhase: "phases after *populated* are recorded; earlier ones only up to *initUp*, to resume or recover",
  issueOrder: "only the newest token is valid; refused on *hold*; in *healthy* only to resume or recover",
  takeOrder:
    "accepted once: from this machine, before it expires, for this generation, and with a proof of the TPM that it is bound to (the first that it proves); without that proof: *conflict*",
  scanHardware: "all NICs identify the machine from now on; a NIC of another machine: *conflict*",
  noteNeighbours: "all of them are on record",
  noteBurnIn:
    "failed: *debug*; passed: *debug* ends; figures far below the siblings' are on record, and *hold* where the configuration says so",
  recordPlace: "the slot is recorded; refused on *hold*; a slot of another machine, or a different slot: *conflict*",
  noteFailure: "*failing*; the machine retries; *conflict* if a person must settle it",
  becomeHealthy: "→ **healthy** if order, name, address and slot are valid",
  confirmHealthy: "accepted only as a repetition by the same boot: the agent gets a new credential",
  resumeAgent: "the agent of a machine without its first image gets a new credential",
  allowRecovery:
    "the next network boot recovers the key; refused while its agent polls, without a sealed key, and without a TPM that the machine is bound to",
  signRecovery: "signed once: for one session of this machine's TPM, on an order that an operator has allowed",
  noteSub: "*up* if it runs its image; *failing* ends",
  noteOldSub: "only recorded; a rebirth by the policy is cancelled",
  noteStall: "*failing*, unless it is already set",
  noteProgress: "*failing* ends if stall detection set it",
  repair: "→ **rebirth** if healthy, failing, silent and proved; else proof is asked for, *debug* or *hold*",
  askRebirth: "→ **rebirth**; *failing* ends; refused on *hold*",
  askClean: "→ **clean**; *failing* ends; refused on *hold* and in *debug*",
  cancelRebirth: "→ **healthy** if no order was taken",
  askReboot:
    "it restarts when its turn comes; refused on *hold*, while its agent is silent or at work, and once its rebirth or clean has begun",
  sendReboot: "phase *rebooting* if healthy; refused on *hold*, and within ten minutes after the agent was told",
  cancelReboot: "the restart is cancelled; without one: refused",
  announce: "announced; with `birth` → **birth**",
  setDetails: "changed, unless another machine holds the value",
  requireImage: "that version is required; a stopped update of another one ends",
  retire: "→ **unknown**, *retired*",
  takeOver: "takes over name and slot, → **birth**; the other machine is *retired*",
  setCondition: "set; *retired* is refused",
  clearCondition: "cleared; if asked, the machine is no longer bound to its TPM, or a first birth may wipe",
  refuseState: "refused (cannot happen in this state)",
  refuseOutsideNursery: "refused (not on a nursery network, or retired)",
  refuseStale: "refused (the order is stale)",
  refuseUnborn: "refused (the machine was never installed)",
  refuseNoAgent: "refused (no agent runs on it)",
  refuseNothingPending: "refused (nothing is pending)",
  refuseKnown: "refused (the machine is already known)",
  refuseSuccessor: "refused (the machine has its own name)",
};
