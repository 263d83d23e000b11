/** The processor architectures that Birther installs machines of, by Debian's names; the first one is meant where none is named. */
export const machineArchitectures = ["amd64", "arm64"] as const;

export type MachineArchitecture = (typeof machineArchitectures)[number];

export const defaultArchitecture = machineArchitectures[0];

/** Those that messages and records name: one that is absent is the default. */
export const namedArchitectures = ["arm64"] as const satisfies readonly MachineArchitecture[];
export type NamedArchitecture = (typeof namedArchitectures)[number];

/** The field of a message or record for an architecture. */
export function architectureField(architecture: MachineArchitecture | undefined): {
  readonly architecture?: NamedArchitecture;
} {
  return architecture === undefined || architecture === defaultArchitecture ? {} : { architecture };
}

/** What to do about a machine of an architecture that the server has no Bootstrap Image for. */
export function buildImageFor(architecture: MachineArchitecture): string {
  const option = architecture === defaultArchitecture ? "" : ` --arch ${architecture}`;
  return `build it, then start the server again: birther image build${option}`;
}
