/** What we intend for a machine (source document, "The Birther"). */
export const machineStates = ["unknown", "birth", "healthy", "rebirth", "clean"] as const;
export type MachineState = (typeof machineStates)[number];

/** The actions that an order may permit. */
export const birthActions = ["birth", "rebirth", "clean"] as const;
export type BirthAction = (typeof birthActions)[number];

/**
 * What an order may permit: an installation, or to resume the agent of a machine that lost power before its first image
 * was installed, or to recover a sealed disk key. To resume or recover erases nothing.
 */
export const orderActions = [...birthActions, "resume", "recover"] as const;
export type OrderAction = (typeof orderActions)[number];

/** States of a machine that Birther has installed. */
export type InstalledState = "healthy" | "rebirth" | "clean";
