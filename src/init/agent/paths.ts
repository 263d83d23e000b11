/** The agent's paths, below the root that it manages. */
export const agentPaths = {
  settings: "/etc/birther/sub.json",
  caCertificate: "/etc/birther/ca.pem",
  objects: "/.birther-agent/objects",
  drafts: "/.birther-agent/drafts",
  /** Second names of the objects, by which a machine that is being born serves them while they become files of its system. */
  served: "/.birther-agent/served",
  /** Which contents the files of the system have, while the machine serves them (host-peer-tree.c). */
  contents: "/.birther-agent/contents",
  /** A directory that exists while the objects are not to be served to other machines. */
  privateMark: "/.birther-agent/private",
  unlock: "/usr/local/lib/birther/unlock",
  state: "/var/lib/birther",
  /** Name of the image that the last finished update installed. */
  patchedImage: "/var/lib/birther/patched-image",
  /** boot_id of the boot in which an update changed the kernel. */
  kernelChangedIn: "/var/lib/birther/kernel-changed-in",
  /** What the machine knows of its kernels (contract/kernel-record.ts). */
  kernelRecord: "/var/lib/birther/kernels.json",
  /** What the next boot will measure, and what the latest one did (contract/measured-boot.ts). */
  measuredBoot: "/var/lib/birther/measured-boot.json",
  /** The disk key, once it is sealed: on the encrypted root, to be sealed anew when the boot partition changes. */
  diskKey: "/var/lib/birther/disk-key",
  /** Exists while the boot loader's files do not fit the kernel on the disk; only in the former layout. */
  bootFilesDue: "/var/lib/birther/boot-files-due",
  /** The manifest that the tree was compared with last. */
  manifest: "/var/lib/birther/manifest.json",
  /** The versions of the agent that a server handed out, each in a directory named by it. */
  agents: "/usr/local/lib/birther/agents",
  /** Which of them runs (contract/agent.ts `storedAgents`). */
  storedAgents: "/var/lib/birther/agent.json",
  /** The version that a trial confirmed: the server has accepted one of its polls. */
  confirmedAgent: "/var/lib/birther/agent-confirmed",
  boot: "/boot",
  /** Only in the former layout. */
  grubConfig: "/boot/grub/grub.cfg",
} as const;
