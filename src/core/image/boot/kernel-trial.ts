/**
 * What a machine knows of its kernels. A kernel is named by its directory on the boot partition (kernel-store.ts).
 */
export type KernelRecord = {
  /** The kernel of the image that the latest update installed. */
  readonly required?: string;
  /** The kernel that /boot held when the boot partition was last derived from it. */
  readonly derived?: string;
  /** The last kernel under which the server answered. */
  readonly confirmed?: string;
  /** The kernel that is tried; how often, and in which boot the last try was prepared. */
  readonly trial?: { readonly kernel: string; readonly attempts: number; readonly bootId: string };
  /** The kernel that did not come up. */
  readonly rejected?: { readonly kernel: string; readonly reason: string };
  /** The boot loader cannot write to this disk, so that it cannot try a kernel once: a new kernel is the default at once. */
  readonly unwritable?: true;
};

/** What is known when the boot partition is derived. */
export type KernelFacts = {
  /** The kernel in /boot. */
  readonly wanted: { readonly id: string; readonly version: string };
  /** The running kernel, if the boot partition started it. */
  readonly running: string | undefined;
  /** The versions of the whole kernels on the boot partition. */
  readonly stored: ReadonlyMap<string, string>;
  /** The kernel that GRUB would try once. */
  readonly mark: string;
  readonly bootId: string;
  readonly record: KernelRecord;
};

/** What the boot partition has to say. */
export type KernelPlan = {
  readonly record: KernelRecord;
  /** The entries of GRUB's menu: the default first, then those to fall back on. */
  readonly entries: readonly string[];
  /** The entry that GRUB tries once if it is marked. */
  readonly candidate?: string;
  /** The content of the mark; empty for none. */
  readonly mark: string;
};

/** Attempts of a kernel: the first one may have lost its power for a reason of its own. */
export const kernelAttempts = 2;

/**
 * Plans the menu. The confirmed kernel stays the default until another one is confirmed; that one is tried once per attempt. When
 * the machine is back with the former kernel after its last attempt, the new one is rejected until /boot holds another one. The first
 * kernel of a machine has none before it, and is the default at once.
 */
export function planKernels(facts: KernelFacts): KernelPlan {
  const { wanted, running, stored } = facts;
  const base = [facts.record.confirmed, running].find((id) => id !== undefined && stored.has(id));
  const record = withTrial(withDerived(facts.record, wanted.id), facts, base);
  if (base === undefined || base === wanted.id) return { record, entries: [wanted.id], mark: "" };
  if (record.rejected !== undefined) return { record, entries: [base], mark: "" };
  if (record.unwritable === true) return { record, entries: [wanted.id, base], mark: "" };
  const mark = running === wanted.id ? "" : wanted.id;
  return { record, entries: [base, wanted.id], candidate: wanted.id, mark };
}

/** Without what belongs to another kernel than the one now in /boot. */
function withDerived({ trial, rejected, ...kept }: KernelRecord, derived: string): KernelRecord {
  return {
    ...kept,
    derived,
    ...(trial?.kernel === derived ? { trial } : {}),
    ...(rejected?.kernel === derived ? { rejected } : {}),
  };
}

/** Counts the attempts of the wanted kernel while another one runs. */
function withTrial(record: KernelRecord, facts: KernelFacts, base: string | undefined): KernelRecord {
  const { wanted, running, bootId, mark } = facts;
  if (running === undefined || running === wanted.id || record.rejected !== undefined) return record;
  const { trial, ...rest } = record;
  const attempts = trial?.attempts ?? 0;
  if (trial?.bootId === bootId) return record;
  if (attempts < kernelAttempts) return { ...rest, trial: { kernel: wanted.id, attempts: attempts + 1, bootId } };
  // GRUB clears the mark before it starts the kernel; it has never done so.
  if (mark === wanted.id && base !== wanted.id && record.unwritable === undefined)
    return { ...rest, unwritable: true, trial: { kernel: wanted.id, attempts: 1, bootId } };
  return { ...rest, rejected: { kernel: wanted.id, reason: rejection(facts) } };
}

function rejection({ wanted, running, stored }: KernelFacts): string {
  const former = stored.get(running ?? "");
  const instead = former === undefined ? "the former kernel runs" : `kernel ${former} (${shortId(running ?? "")}) runs`;
  return `kernel ${wanted.version} (${shortId(wanted.id)}) did not come up in ${kernelAttempts} attempts; ${instead} instead`;
}

/** The first digits of a kernel's name, as messages and the menu show it. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** The record once the server has answered under the running kernel; the same object if that is no news. */
export function confirmKernel(record: KernelRecord, running: string): KernelRecord {
  if (record.confirmed === running) return record;
  const { trial, rejected, ...kept } = record;
  return {
    ...kept,
    confirmed: running,
    ...(trial === undefined || trial.kernel === running ? {} : { trial }),
    ...(rejected === undefined || rejected.kernel === running ? {} : { rejected }),
  };
}

/**
 * Whether the kernel of the installed image waits for a restart. A kernel that others put in /boot does not: it is tried when they
 * restart the machine.
 */
export function isKernelDue(record: KernelRecord, running: string | undefined): boolean {
  const { required, derived, rejected } = record;
  return running !== undefined && required === derived && required !== running && rejected?.kernel !== required;
}

/** Why the kernel of the installed image does not run; undefined if it was not rejected. */
export function kernelRejection({ required, rejected }: KernelRecord): string | undefined {
  return rejected?.kernel === required ? rejected?.reason : undefined;
}

/** Whether the running kernel is tried: it is not confirmed, and there is a former one to go back to. */
export function isOnTrial(record: KernelRecord, running: string | undefined): boolean {
  return running !== undefined && record.confirmed !== undefined && record.confirmed !== running;
}
