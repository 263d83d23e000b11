/** PCR 8 has GRUB's commands, PCR 9 the files that it reads. */
export type GrubPcr = 8 | 9;

/**
 * What a machine's TPM says of the boot from its disk. `asWritten`: PCR 8 and 9 are what the agent computed from the configuration,
 * the kernel and the initrds that it wrote. `differs`: these PCRs are not. `notMeasured`: its boot loader extends neither.
 */
export type MeasuredBoot =
  | { readonly kind: "asWritten" }
  | { readonly kind: "differs"; readonly pcrs: readonly GrubPcr[] }
  | { readonly kind: "notMeasured" };
