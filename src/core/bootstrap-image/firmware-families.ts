/** What a network card does without its firmware file: nothing at all, or less. */
type Without = { readonly kind: "nothing" } | { readonly kind: "less"; readonly what: string };

/** Network cards whose driver asks for files that only Debian's non-free-firmware has. */
export type FirmwareFamily = {
  /** The name in `bootstrapImage.firmware`: that of the driver. */
  readonly family: string;
  readonly title: string;
  /** Kernel modules; those that do nothing without a file are in the image only with their family. */
  readonly modules: readonly string[];
  readonly without: Without;
};

/**
 * Families whose firmware an optional second archive brings. To support more cards, add a row here and its package in
 * bootstrap-image/debian/firmware-packages.ts; docs/bootstrap-image.md shows the table.
 */
export const firmwareFamilies = [
  { family: "bnx2", title: "Broadcom NetXtreme II, 1 Gb/s", modules: ["bnx2"], without: { kind: "nothing" } },
  {
    family: "bnx2x",
    title: "Broadcom and QLogic NetXtreme II, 10 Gb/s",
    modules: ["bnx2x"],
    without: { kind: "nothing" },
  },
  {
    family: "cxgb4",
    title: "Chelsio T4, T5, T6",
    modules: ["cxgb4"],
    without: { kind: "less", what: "it runs the firmware in its flash" },
  },
  {
    family: "ice",
    title: "Intel E810",
    modules: ["ice"],
    without: { kind: "less", what: "it runs in safe mode, with one queue" },
  },
  { family: "liquidio", title: "Cavium LiquidIO", modules: ["liquidio", "liquidio_vf"], without: { kind: "nothing" } },
  { family: "myri10ge", title: "Myricom 10G", modules: ["myri10ge"], without: { kind: "nothing" } },
  {
    family: "netxen",
    title: "NetXen and QLogic 8200",
    modules: ["netxen_nic", "qlcnic"],
    without: { kind: "nothing" },
  },
  { family: "nfp", title: "Netronome Agilio", modules: ["nfp"], without: { kind: "nothing" } },
  { family: "qede", title: "Marvell (QLogic) FastLinQ", modules: ["qed", "qede"], without: { kind: "nothing" } },
  {
    family: "r8169",
    title: "Realtek 8111, 8125",
    modules: ["r8169"],
    without: { kind: "less", what: "some chips lack power saving or lose their link" },
  },
  {
    family: "tg3",
    title: "Broadcom NetXtreme (the oldest)",
    modules: ["tg3"],
    without: { kind: "less", what: "TCP offload is off" },
  },
] as const satisfies readonly FirmwareFamily[];

export type FirmwareFamilyName = (typeof firmwareFamilies)[number]["family"];

export const firmwareFamilyNames: readonly FirmwareFamilyName[] = firmwareFamilies.map(({ family }) => family);

/** Whether a word names a family. */
export function isFirmwareFamily(word: string): word is FirmwareFamilyName {
  return firmwareFamilyNames.some((name) => name === word);
}
