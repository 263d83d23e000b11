import type { Turn } from "../objects/fetch-turn.ts";
import type { SubContext } from "../sub-context.ts";
import type { BrokenAnswers } from "./broken-answers.ts";
import type { PeerFetch } from "./fetch-from-peer.ts";
import type { NamedPeer } from "./source-list.ts";

/** What a peer gave, and how many bytes have come, from it or at all, with those of a content that is not whole. */
type Given = PeerFetch & {
  readonly arrivedBytes: number;
  /** The server has named another source: nothing is wrong with this one. */
  readonly isReplaced?: boolean;
};

/** Leaves a peer that gave less than it should, unless it is to be asked again at once. */
export function judgePeer(
  { turn, broken, log }: { readonly turn: Turn; readonly broken: BrokenAnswers } & Pick<SubContext, "log">,
  peer: NamedPeer,
  { stored, fault, arrivedBytes, isReplaced = false }: Given,
): void {
  if (fault === undefined) return;
  log("info", "a peer served only a part", { peer: peer.machineId, fault: fault.reason, objects: stored });
  if (isReplaced) return;
  const verdict = fault.isBroken ? broken.judge(peer.machineId, arrivedBytes) : "other";
  if (verdict === "again") return;
  const isOfNoUse = verdict === "noUse";
  turn.failed(peer, { isToBlame: fault.isToBlame && !isOfNoUse, isOfNoUse, stored });
}
