import type { ImageProfile } from "../../core/bootstrap-image/image-profile.ts";
import type { MachineArchitecture } from "../../core/machine/architecture.ts";

/** A row of the table of drivers. */
export type DriverFamily = {
  readonly kind: "nic" | "storage" | "watchdog" | "sensor" | "base";
  readonly name: string;
  readonly modules: readonly string[];
  readonly laterBuiltIn?: true;
  readonly only?: MachineArchitecture;
  readonly virtual?: true;
};

/**
 * Drivers of the Bootstrap Image, by family. Their dependencies are added automatically (kernel-modules.ts). To support
 * more hardware, add a row; docs/bootstrap-image.md shows the table. Not here: NICs that do nothing without firmware
 * (core/bootstrap-image/firmware-families.ts); Fibre Channel (machines install to their own disks); USB. `kind` groups the
 * rows; `modules` are names as in `modinfo`, with underscores; `laterBuiltIn` says that newer kernels have no such modules
 * because they need none; `only` one architecture has such hardware; `virtual` says that hypervisors emulate it.
 */
export const driverFamilies: readonly DriverFamily[] = [
  { kind: "nic", name: "Intel PRO/1000 and I21x", modules: ["e1000", "e1000e"], virtual: true },
  { kind: "nic", name: "Intel I350, I210 (igb) and I225 (igc)", modules: ["igb", "igbvf", "igc"] },
  { kind: "nic", name: "Intel 82599, X540, X550", modules: ["ixgbe", "ixgbevf"] },
  { kind: "nic", name: "Intel X710, XL710, X722", modules: ["i40e", "iavf"] },
  { kind: "nic", name: "Intel E810", modules: ["ice"] },
  { kind: "nic", name: "Broadcom NetXtreme (tg3)", modules: ["tg3"] },
  { kind: "nic", name: "Broadcom NetXtreme-E", modules: ["bnxt_en"] },
  { kind: "nic", name: "Mellanox ConnectX-3", modules: ["mlx4_core", "mlx4_en"] },
  { kind: "nic", name: "NVIDIA Mellanox ConnectX-4 and later", modules: ["mlx5_core"] },
  { kind: "nic", name: "Chelsio T4, T5, T6", modules: ["cxgb4"] },
  { kind: "nic", name: "Emulex OneConnect", modules: ["be2net"] },
  { kind: "nic", name: "Cisco VIC", modules: ["enic"] },
  { kind: "nic", name: "Solarflare", modules: ["sfc"] },
  { kind: "nic", name: "Marvell AQtion (Aquantia)", modules: ["atlantic"] },
  { kind: "nic", name: "AMD XGBE", modules: ["amd_xgbe"] },
  { kind: "nic", name: "Realtek 8111, 8125", modules: ["r8169", "realtek"] },
  { kind: "nic", name: "Huawei HiNIC", modules: ["hinic"] },
  { kind: "nic", name: "VMware vmxnet3", modules: ["vmxnet3"], virtual: true },
  { kind: "nic", name: "virtio network", modules: ["virtio_net"], virtual: true },
  { kind: "nic", name: "Amazon ENA and Google gVNIC", modules: ["ena", "gve"], virtual: true },
  { kind: "nic", name: "Hyper-V network", modules: ["hv_netvsc"], virtual: true },
  { kind: "nic", name: "HiSilicon HNS3", modules: ["hns3", "hclge", "hclgevf"], only: "arm64" },
  {
    kind: "nic",
    name: "HiSilicon HNS (Kunpeng 916)",
    modules: ["hns_dsaf", "hns_enet_drv", "hns_mdio"],
    only: "arm64",
  },
  { kind: "nic", name: "Marvell OCTEON 9 and 10", modules: ["rvu_af", "rvu_nicpf", "rvu_nicvf"], only: "arm64" },
  { kind: "nic", name: "Cavium ThunderX", modules: ["thunder_bgx", "nicpf", "nicvf", "mdio_thunder"], only: "arm64" },
  { kind: "nic", name: "AppliedMicro X-Gene", modules: ["xgene_enet", "xgene_enet_v2"], only: "arm64" },
  { kind: "nic", name: "NXP Layerscape", modules: ["fsl_enetc", "fsl_dpaa2_eth"], only: "arm64" },
  { kind: "nic", name: "Socionext NETSEC", modules: ["netsec"], only: "arm64" },
  { kind: "nic", name: "Qualcomm EMAC", modules: ["qcom_emac"], only: "arm64" },

  { kind: "storage", name: "NVMe", modules: ["nvme"], virtual: true },
  { kind: "storage", name: "Intel VMD", modules: ["vmd"], only: "amd64" },
  { kind: "storage", name: "AHCI SATA", modules: ["ahci"], virtual: true },
  { kind: "storage", name: "PIIX and generic ATA", modules: ["ata_piix", "ata_generic"], virtual: true },
  { kind: "storage", name: "Intel C600 SAS", modules: ["isci"], only: "amd64" },
  { kind: "storage", name: "Broadcom MegaRAID SAS", modules: ["megaraid_sas"] },
  { kind: "storage", name: "Broadcom SAS2 and SAS3 HBA", modules: ["mpt3sas"] },
  { kind: "storage", name: "Broadcom SAS4 HBA", modules: ["mpi3mr"] },
  { kind: "storage", name: "LSI Fusion-MPT", modules: ["mptsas", "mptspi"], virtual: true },
  { kind: "storage", name: "HPE Smart Array", modules: ["hpsa"] },
  { kind: "storage", name: "Microchip SmartPQI", modules: ["smartpqi"] },
  { kind: "storage", name: "Adaptec AACRAID", modules: ["aacraid"] },
  { kind: "storage", name: "Marvell SAS and SATA", modules: ["mvsas", "sata_mv", "mvumi"] },
  { kind: "storage", name: "Microchip PM80xx", modules: ["pm80xx"] },
  { kind: "storage", name: "Areca", modules: ["arcmsr"], only: "amd64" },
  { kind: "storage", name: "3ware", modules: ["3w_9xxx", "3w_sas"] },
  { kind: "storage", name: "VMware PVSCSI", modules: ["vmw_pvscsi"], only: "amd64", virtual: true },
  { kind: "storage", name: "virtio block and SCSI", modules: ["virtio_blk", "virtio_scsi"], virtual: true },
  { kind: "storage", name: "Hyper-V storage", modules: ["hv_storvsc"], virtual: true },
  { kind: "storage", name: "Xen front ends", modules: ["xen_blkfront", "xen_netfront"], virtual: true },
  { kind: "storage", name: "SCSI disks", modules: ["sd_mod"], virtual: true },
  { kind: "storage", name: "HiSilicon SAS", modules: ["hisi_sas_v2_hw", "hisi_sas_v3_hw"], only: "arm64" },
  {
    kind: "storage",
    name: "AHCI without PCI",
    modules: ["ahci_platform", "ahci_xgene", "ahci_seattle"],
    only: "arm64",
  },

  { kind: "watchdog", name: "Intel 6300ESB (QEMU)", modules: ["i6300esb"], virtual: true },
  { kind: "watchdog", name: "Intel TCO", modules: ["iTCO_wdt", "lpc_ich", "i2c_i801"], only: "amd64", virtual: true },
  { kind: "watchdog", name: "AMD SP5100 TCO", modules: ["sp5100_tco", "i2c_piix4"], only: "amd64" },
  { kind: "watchdog", name: "IPMI BMC", modules: ["ipmi_watchdog", "ipmi_si", "ipmi_devintf"] },
  {
    kind: "watchdog",
    name: "IPMI BMC on SMBus (SSIF)",
    modules: ["ipmi_ssif", "i2c_designware_platform", "i2c_xlp9xx", "i2c_thunderx", "i2c_xgene_slimpro"],
    only: "arm64",
  },
  { kind: "watchdog", name: "ACPI WDAT", modules: ["wdat_wdt"], virtual: true },
  { kind: "watchdog", name: "SBSA generic watchdog", modules: ["sbsa_gwdt"], only: "arm64" },
  { kind: "watchdog", name: "HPE iLO", modules: ["hpwdt"], only: "amd64" },
  {
    kind: "watchdog",
    name: "Super I/O (Nuvoton, ITE, Fintek)",
    modules: ["w83627hf_wdt", "it87_wdt", "f71808e_wdt"],
    only: "amd64",
  },
  { kind: "watchdog", name: "kernel timer, without hardware", modules: ["softdog"], virtual: true },

  { kind: "sensor", name: "temperature of Intel and AMD processors", modules: ["coretemp", "k10temp"], only: "amd64" },
  { kind: "sensor", name: "memory errors of AMD processors", modules: ["amd64_edac"], only: "amd64" },
  {
    kind: "sensor",
    name: "memory errors of Intel Xeon",
    modules: ["sb_edac", "skx_edac", "i10nm_edac"],
    only: "amd64",
  },
  { kind: "sensor", name: "memory errors of Intel Xeon E", modules: ["ie31200_edac"], only: "amd64" },

  { kind: "sensor", name: "memory errors of Cavium ThunderX", modules: ["thunderx_edac"], only: "arm64" },
  { kind: "sensor", name: "temperature of AppliedMicro X-Gene", modules: ["xgene_hwmon"], only: "arm64" },

  { kind: "base", name: "virtio bus and random numbers", modules: ["virtio_pci", "virtio_rng"] },
  { kind: "base", name: "virtio without PCI", modules: ["virtio_mmio"], only: "arm64" },
  { kind: "base", name: "TPM", modules: ["tpm_crb"] },
  {
    kind: "base",
    name: "TPM on SPI",
    modules: ["tpm_tis_spi", "spi_xlp", "spi_thunderx"],
    only: "arm64",
  },
  { kind: "base", name: "TPM of PCs", modules: ["tpm_tis"], only: "amd64" },
  { kind: "base", name: "ext4", modules: ["ext4"] },
  { kind: "base", name: "FAT", modules: ["vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8"] },
  { kind: "base", name: "EFI variables", modules: ["efivarfs"] },
  {
    kind: "base",
    name: "disk encryption",
    modules: ["dm_crypt", "xts", "ecb", "cbc", "essiv", "algif_skcipher", "algif_hash"],
  },
  { kind: "base", name: "mirrored disks", modules: ["raid1"] },
  { kind: "base", name: "encryption by x86 processors", modules: ["aesni_intel"], only: "amd64" },
  { kind: "base", name: "encryption by ARMv8 processors", modules: ["aes_ce_blk", "sha2_ce"], only: "arm64" },
  { kind: "base", name: "checksums, part of Linux 7 itself", modules: ["crc32c_generic"], laterBuiltIn: true },
  {
    kind: "base",
    name: "checksums and hashes by x86 processors, part of Linux 7 itself",
    modules: ["crc32c_intel", "sha256_ssse3"],
    laterBuiltIn: true,
    only: "amd64",
  },
  { kind: "base", name: "BIOS drive numbers", modules: ["edd"], only: "amd64" },
  { kind: "base", name: "raw packets", modules: ["af_packet"] },
];

/** The families of an image; that for virtual machines has no drivers of physical machines and no sensors. */
export function familiesOf(architecture: MachineArchitecture, profile: ImageProfile): readonly DriverFamily[] {
  const own = driverFamilies.filter(({ only = architecture }) => only === architecture);
  return profile === "generic" ? own : own.filter(({ kind, virtual }) => kind === "base" || virtual === true);
}
