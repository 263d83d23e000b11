import type { SanitizeWish } from "../../core/erasure/erase-wish.ts";
import type { ActionName } from "../../core/fleet/operator-action.ts";
import { commandLine } from "../text/shell-word.ts";

/** What an action does, what it takes, and whether machines lose anything. */
export type ActChoice = {
  readonly does: string;
  /** The record keeps the reason, too; of the others only the audit does. */
  readonly keepsReason?: "required" | "optional";
  readonly sendsAway?: true;
  /** It can tell disks to erase themselves, and erase more than the root disk. */
  readonly choosesDisks?: true;
};

const lost = "everything on its root disk and on the data disks of its layout is lost";

/** The actions that the dashboard offers. */
export const actChoices: { readonly [A in ActionName]: ActChoice } = {
  hold: { does: "prevents any installation until it is released", keepsReason: "required" },
  release: { does: "ends a hold, or allows the birth of a retired machine" },
  rebirth: { does: `reinstalls it at its next boot, with burn-in; ${lost}`, sendsAway: true },
  clean: {
    does: `reinstalls it at its next boot, without burn-in; ${lost}`,
    sendsAway: true,
    choosesDisks: true,
  },
  reboot: { does: "lets its agent restart it, when its turn comes: few machines of a rack at a time" },
  cancel: { does: "cancels a pending rebirth, clean or restart" },
  retire: {
    does: "removes it from the fleet; its name, addresses and slot become free; its disks are not touched",
    keepsReason: "optional",
  },
};

/** What the operator has chosen. */
export type ActForm = {
  readonly action: ActionName;
  readonly reason: string;
  readonly override: boolean;
  /** Also while a rebirth or clean is running. */
  readonly restart: boolean;
  /** Empty: the disks are not told to erase themselves. */
  readonly sanitize: SanitizeWish | "";
  readonly allDisks: boolean;
};

/** The form before anything is chosen. */
export const emptyForm: ActForm = {
  ...{ action: "hold", reason: "", override: false, restart: false },
  ...{ sanitize: "", allDisks: false },
};

/** The ways to erase that the dashboard offers. */
export const sanitizeChoices: { readonly [W in ActForm["sanitize"]]: string } = {
  "": "destroy the keys of what is encrypted",
  require: "and let the disks erase themselves; where one cannot, nothing is written and the clean fails",
  whereOffered: "and let the disks erase themselves, where they can",
};

/** What the chosen action does to each machine, with everything that is lost; whole sentences. */
export function doesText({ action, sanitize, allDisks, restart }: ActForm): string {
  const choice: ActChoice = actChoices[action];
  return [
    `It ${choice.does}.`,
    ...(choice.sendsAway === true && restart ? ["A rebirth or clean that is running stops and begins anew."] : []),
    ...(choice.choosesDisks === true && allDisks ? ["All other disks that stay in it are erased, too."] : []),
    ...(choice.choosesDisks === true && sanitize !== "" ? [sanitizeTexts[sanitize]] : []),
  ].join(" ");
}

const sanitizeTexts: { readonly [W in SanitizeWish]: string } = {
  require: "The disks erase themselves; where one cannot, nothing is written and the clean fails.",
  whereOffered: "The disks erase themselves, where they can.",
};

/** The part of a batch's body that says what to do. */
export function bodyOf({ action, reason, override, restart, sanitize, allDisks }: ActForm): object {
  const choice: ActChoice = actChoices[action];
  return {
    action,
    ...(choice.keepsReason !== undefined && reason.trim() !== "" ? { reason: reason.trim() } : {}),
    ...(choice.sendsAway === true && override ? { override } : {}),
    ...(choice.sendsAway === true && restart ? { restart } : {}),
    ...(choice.choosesDisks === true && sanitize !== "" ? { sanitize } : {}),
    ...(choice.choosesDisks === true && allDisks ? { allDisks } : {}),
  };
}

/** Names in a command; more are selected in the list and acted upon there. */
const namesShown = 20;

const sanitizeOptions: { readonly [W in SanitizeWish]: readonly string[] } = {
  require: ["--sanitize"],
  whereOffered: ["--sanitize", "where-offered"],
};

/** The command that does the same. */
export function actCommand(
  { action, reason, override, restart, sanitize, allDisks }: ActForm,
  names: readonly string[],
): string {
  const choice: ActChoice = actChoices[action];
  const options = [
    ...(reason.trim() !== "" ? ["--reason", reason.trim()] : []),
    ...(choice.sendsAway === true && override ? ["--override"] : []),
    ...(choice.sendsAway === true && restart ? ["--restart"] : []),
    ...(choice.choosesDisks === true && allDisks ? ["--all-disks"] : []),
    ...(choice.choosesDisks === true && sanitize !== "" ? sanitizeOptions[sanitize] : []),
  ];
  const rest = names.length > namesShown ? ` … # ${names.length - namesShown} more` : "";
  return commandLine("birther", action, ...names.slice(0, namesShown), ...options) + rest;
}
