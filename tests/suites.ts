import { targets } from "../src/bootstrap-image/target.ts";
import { packagesOf, packagesToEmulate } from "../src/main/packages.ts";

/** One suite of `./test`. */
export type Suite = {
  readonly name: string;
  readonly about: string;
  /** What it takes, measured on 2 cores without KVM, its packages and images already there. */
  readonly cost: string;
  /** Its tests make namespaces, mount, or start servers of other users. */
  readonly needsRoot?: true;
  /** Debian packages beside the essential ones; all that its tests and their tools use. The runner installs what is missing. */
  readonly packages: readonly string[];
  /** Commands that must exit 0, each counted as one test; or test files for node:test. */
  readonly run: { readonly kind: "commands"; readonly commands: readonly (readonly string[])[] } | TestFiles;
  /**
   * Neighbours with the same group run side by side, from one list of files: nothing in them measures time or memory,
   * and machines and addresses are in namespaces of their own.
   */
  readonly group?: "programs" | "machines";
  /** Only run when named: too long for the plain run. */
  readonly onlyWhenNamed?: true;
};

type TestFiles = {
  readonly kind: "files";
  readonly globs: readonly string[];
  /** Only those files whose text matches. */
  readonly containing?: RegExp;
  /** What must be done first, where the outer network is: the tests' own namespaces have none. */
  readonly prepare?: readonly string[];
  /** Processes that run side by side: machines wait for each other's time-outs more than they compute. One if it is not said. */
  readonly atOnce?: number;
  /** Minutes that its long files take on 2 cores without KVM: the longest begin first. */
  readonly minutes?: { readonly [file: string]: number };
  /** The files are dealt among the processes, instead of one process a file: for files that take milliseconds. */
  readonly sharedProcesses?: true;
  /** Variables for the tests, such as how many inputs they try. */
  readonly environment?: { readonly [name: string]: string };
  /** Milliseconds after which one test is called hung. */
  readonly timeoutMs: number;
};

const minuteMs = 60_000;

/** What leaves signatures on a disk, and what finds them. */
const signatureTools = ["cryptsetup-bin", "dosfstools", "e2fsprogs", "fdisk", "mount"];

/** All suites, cheap ones first: a broken core is known before a machine is powered on. */
export const suites: readonly Suite[] = [
  {
    name: "check",
    about: "types, the star rule (project references), Biome, and the English of documents and messages",
    cost: "15 s",
    packages: [],
    run: {
      kind: "commands",
      commands: [
        ["node_modules/.bin/tsc", "-b"],
        ["node_modules/.bin/biome", "check", "--error-on-warnings"],
        ["node_modules/.bin/node", "tests/check-text.ts"],
      ],
    },
  },
  {
    name: "unit",
    about: "the tests beside the code: tables, properties and captures; no process, no socket, no thread",
    cost: "10 s",
    packages: [],
    run: {
      kind: "files",
      globs: ["src/**/*.test.ts", "tests/text/*.test.ts", "tests/runner/*.test.ts"],
      atOnce: 2,
      sharedProcesses: true,
      environment: { TEST_RUNS: "sample" },
      timeoutMs: 2 * minuteMs,
    },
  },
  {
    name: "properties",
    about: "the long properties of unit with four times the inputs; a hundred thousand mutated packets",
    cost: "10 s",
    packages: [],
    run: {
      kind: "files",
      globs: ["src/**/*.test.ts", "tests/fuzz/short.test.ts"],
      containing: /support\/runs\.ts|fuzz/,
      atOnce: 2,
      sharedProcesses: true,
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "init",
    about:
      "births and subs on a fake host against the real MDB and Dominator in memory: every step, every fault, power cuts",
    cost: "1 min",
    packages: [],
    run: { kind: "files", globs: ["tests/init/**/*.test.ts"], atOnce: 2, timeoutMs: 2 * minuteMs },
  },
  {
    name: "server",
    about: "the parts of a server with their sockets, TLS, threads, timers and SQLite files",
    cost: "15 s",
    packages: [],
    run: { kind: "files", globs: ["tests/server/*.test.ts"], atOnce: 2, timeoutMs: 2 * minuteMs },
  },
  {
    name: "compat",
    about: "recorded messages, databases and configurations of each release are read; what this version sends is exact",
    cost: "5 s",
    packages: [],
    run: { kind: "files", globs: ["tests/compat/*.test.ts"], atOnce: 2, timeoutMs: 2 * minuteMs },
  },
  {
    name: "cli",
    about: "the birther command as a program, on this computer and from another one over TLS",
    cost: "40 s",
    packages: ["zsh", "fish", "mmdebstrap"],
    run: { kind: "files", globs: ["tests/cli/*.test.ts"], atOnce: 2, timeoutMs: 10 * minuteMs },
  },
  {
    name: "fleet",
    about: "whole sites in virtual time: the real code decides, machines and their faults are simulated",
    cost: "10 s",
    packages: [],
    run: { kind: "files", globs: ["tests/fleet/*.test.ts"], timeoutMs: 2 * minuteMs },
  },
  {
    name: "loop",
    about: "the documented fleet of 100,000 machines: no piece of work keeps packets waiting for 10 ms",
    cost: "30 s",
    packages: [],
    run: { kind: "files", globs: ["tests/loop/*.test.ts"], timeoutMs: 5 * minuteMs },
  },
  {
    name: "postgres",
    about:
      "the MDB on a real PostgreSQL: contract suite, several processes, restarts, failover, copies; machines that arrive",
    cost: "1.5 min",
    needsRoot: true,
    packages: [...packagesOf.serve, "postgresql", "iproute2", "ipxe", "util-linux"],
    run: {
      kind: "files",
      globs: ["tests/postgres/*.test.ts"],
      atOnce: 2,
      minutes: { "tests/postgres/arrival.test.ts": 1 },
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "mdb-faults",
    about: "the MDB's file: kill -9 during writes (KILL_ROUNDS=1000 for the long run), a full disk, damaged files",
    cost: "20 s",
    needsRoot: true,
    packages: [],
    run: { kind: "files", globs: ["tests/mdb-faults/*.test.ts"], atOnce: 3, timeoutMs: 30 * minuteMs },
  },
  {
    name: "real-clients",
    about: "curl, tftp-hpa, dhclient or udhcpc against our servers; systemd-networkd with the files of a birth",
    cost: "1.5 min",
    needsRoot: true,
    packages: [
      ...packagesOf.serve,
      "curl",
      "tftp-hpa",
      "atftp",
      "udhcpc",
      "isc-dhcp-client",
      "isc-dhcp-relay",
      "iproute2",
      "nftables",
      "procps",
      "systemd",
      "util-linux",
    ],
    run: {
      kind: "files",
      globs: ["tests/real-clients/*.test.ts"],
      atOnce: 3,
      timeoutMs: 30 * minuteMs,
    },
  },
  {
    name: "native",
    about: "the native ground of init as an ordinary program: TLS, hashes, files, peers; TPM commands against a swtpm",
    cost: "1 min",
    needsRoot: true,
    packages: [...packagesOf["image build"], ...signatureTools, "iproute2", "swtpm"],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/native/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/native/prepare.ts"],
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "dominator",
    about: "birther-agent as an ordinary program against the Dominator: fetch, update, forged contents, power cuts",
    cost: "2 min",
    needsRoot: true,
    packages: [
      ...packagesOf["image build"],
      "cpio",
      "cryptsetup-bin",
      "zstd",
      "xz-utils",
      "skopeo",
      "umoci",
      "acl",
      "attr",
      "libcap2-bin",
      "nginx-light",
      "curl",
      "python3",
    ],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/dominator/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/native/prepare.ts"],
      minutes: { "tests/dominator/sub-cycle.test.ts": 0.5 },
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "corpora",
    about: "packets of the test suites of systemd and tcpdump: our decoding beside tshark's, our replies under both",
    cost: "20 s",
    packages: ["dpkg-dev", "tshark", "tcpdump"],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/corpora/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/corpora/prepare.ts"],
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "attacks",
    about: "attacks that once succeeded, and their siblings, against the real programs; says how many held",
    cost: "4 min",
    needsRoot: true,
    packages: [...packagesOf["image build"], "e2fsprogs", "iproute2", "nginx-light", "python3", "udhcpc", "util-linux"],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/attacks/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/native/prepare.ts"],
      minutes: { "tests/attacks/agent-stalls.test.ts": 1, "tests/attacks/agent-full-disk.test.ts": 1 },
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "sanitizers",
    about:
      "native, dominator and the hostile wire of attacks again, with AddressSanitizer and UndefinedBehaviorSanitizer in the native program",
    cost: "4 min",
    needsRoot: true,
    packages: [...packagesOf["image build"], ...signatureTools, "cpio", "iproute2", "swtpm", "util-linux", "zstd"],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/native/*.test.ts", "tests/dominator/*.test.ts", "tests/attacks/hostile-wire.test.ts"],
      environment: { NATIVE_BUILD: "sanitized" },
      minutes: { "tests/dominator/sub-cycle.test.ts": 0.5 },
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "exports",
    about: "what other tools are given, read by them: Ansible with hostile facts too, Prometheus, promtool",
    cost: "20 s",
    packages: ["ansible-core"],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/exports/*.test.ts"],
      prepare: ["node_modules/.bin/node", "tests/exports/prepare.ts"],
      timeoutMs: 10 * minuteMs,
    },
  },
  {
    name: "dashboard",
    about: "the dashboard in a real Chromium: login, screens, keyboard, both themes, hostile texts, cuts",
    cost: "2.5 min",
    packages: ["chromium", "fonts-dejavu-core"],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/dashboard/*.test.ts"],
      minutes: { "tests/dashboard/screens.test.ts": 2, "tests/dashboard/feed.test.ts": 0.5 },
      timeoutMs: 15 * minuteMs,
    },
  },
  {
    name: "lab",
    about: "the virtual rack: firmware, LLDP with a real lldpd, power, clean-up",
    cost: "10 s",
    needsRoot: true,
    packages: [...packagesOf.demo, "lldpd", "nftables"],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/lab/*.test.ts"],
      timeoutMs: 15 * minuteMs,
    },
  },
  {
    name: "image",
    about: "Bootstrap Image: builds, is small enough, holds what it must",
    cost: "1 min",
    needsRoot: true,
    packages: [...packagesOf.demo, "cryptsetup-bin"],
    group: "programs",
    run: {
      kind: "files",
      globs: ["tests/image/*.test.ts"],
      minutes: { "tests/image/boot.test.ts": 1.2 },
      timeoutMs: 30 * minuteMs,
    },
  },
  {
    name: "firmware",
    about:
      "OVMF and SeaBIOS: UEFI HTTP boot, Secure Boot with Microsoft's keys and with a key of our own, ProxyDHCP beside dnsmasq, local boot, agent upgrade; firmware of Debian 12 and 13",
    cost: "15 min",
    needsRoot: true,
    packages: [...packagesOf.demo, "dnsmasq-base", "fdisk", "nftables", "swtpm"],
    group: "machines",
    run: {
      kind: "files",
      globs: ["tests/firmware/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      atOnce: 2,
      minutes: {
        "tests/firmware/births-bound-to-tpm.test.ts": 2.5,
        "tests/firmware/births-under-secure-boot.test.ts": 7,
        "tests/firmware/births-in-proxy-mode.test.ts": 8,
        "tests/firmware/signed-image.test.ts": 4,
        "tests/firmware/kernel-trial.test.ts": 2,
        "tests/firmware/clean-by-device.test.ts": 3,
        "tests/firmware/signed-image-refused.test.ts": 2,
        "tests/firmware/full-uplink.test.ts": 1.5,
        "tests/firmware/modes.test.ts": 1,
        "tests/firmware/http-boot.test.ts": 1,
      },
      timeoutMs: 40 * minuteMs,
    },
  },
  {
    name: "birth",
    about:
      "a BIOS and a UEFI machine from power-on to workload, then rebirth and clean; a latecomer fetches from a machine",
    cost: "20 min",
    needsRoot: true,
    packages: [...packagesOf.demo, "cryptsetup-bin", "fdisk", "chromium"],
    group: "machines",
    run: {
      kind: "files",
      globs: ["tests/birth/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      minutes: { "tests/birth/birth.test.ts": 13, "tests/birth/peers.test.ts": 5 },
      timeoutMs: 25 * minuteMs,
    },
  },
  {
    name: "faults",
    about:
      "births that go wrong: no LLDP, unknown port, no disk, small disk, failing burn-in, no TLS, server gone, power cut",
    cost: "9 min",
    needsRoot: true,
    packages: packagesOf.demo,
    group: "machines",
    run: {
      kind: "files",
      globs: ["tests/faults/*.test.ts", "tests/power-cut/sample.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      atOnce: 2,
      minutes: {
        "tests/power-cut/sample.test.ts": 7,
        "tests/faults/births-in-trouble.test.ts": 4,
        "tests/faults/births-that-fail.test.ts": 2,
        "tests/faults/hung.test.ts": 1,
        "tests/faults/tls-that-fails.test.ts": 1,
      },
      timeoutMs: 40 * minuteMs,
    },
  },
  {
    name: "mirror",
    about:
      "a mirrored root by BIOS and UEFI: born on two disks, started by each alone, a disk taken back, another kernel",
    cost: "15 min",
    needsRoot: true,
    packages: [...packagesOf.demo, "mdadm", "mount"],
    run: {
      kind: "files",
      globs: ["tests/mirror/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      timeoutMs: 50 * minuteMs,
    },
    onlyWhenNamed: true,
  },
  {
    name: "power-cut",
    about: "power, server and network cut at every step of every life of a machine (POWER_CUT_EVERY=10: every tenth)",
    cost: "10 h",
    needsRoot: true,
    packages: packagesOf.demo,
    run: {
      kind: "files",
      globs: ["tests/power-cut/all.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      timeoutMs: 1440 * minuteMs,
    },
    onlyWhenNamed: true,
  },
  {
    name: "secure-boot",
    about:
      "births under Secure Boot with Microsoft's keys by the OVMF of Debian 13 (2025.02); firmware has this computer's",
    cost: "10 min",
    needsRoot: true,
    packages: [...packagesOf.demo, "swtpm"],
    group: "machines",
    run: {
      kind: "files",
      globs: ["tests/firmware/births-under-secure-boot.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      environment: { MACHINE_FIRMWARE: "trixie" },
      timeoutMs: 100 * minuteMs,
    },
    onlyWhenNamed: true,
  },
  {
    name: "sealing",
    about:
      "disk keys in swtpm: sealed under OVMF, so that a stranger's system from the wire does not get one; kept under SeaBIOS",
    cost: "40 min",
    needsRoot: true,
    packages: [...packagesOf.demo, "swtpm"],
    run: {
      kind: "files",
      globs: ["tests/sealing/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      timeoutMs: 60 * minuteMs,
    },
    onlyWhenNamed: true,
  },
  {
    name: "fuzz",
    about: "ten million mutated packets for every reader of what comes from a wire (FUZZ_INPUTS)",
    cost: "20 min",
    packages: [],
    run: { kind: "files", globs: ["tests/fuzz/fuzz.test.ts"], timeoutMs: 30 * minuteMs },
    onlyWhenNamed: true,
  },
  {
    name: "recipes",
    about:
      "the recipes of the repository: each image is built, imported, and a UEFI machine is born and starts with it",
    cost: "40 min",
    needsRoot: true,
    packages: packagesOf.demo,
    group: "machines",
    run: {
      kind: "files",
      globs: ["tests/recipes/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/recipes/prepare.ts"],
      timeoutMs: 80 * minuteMs,
    },
    onlyWhenNamed: true,
  },
  {
    name: "arm64",
    about:
      "an emulated arm64 machine, by UEFI, from its first network boot to its arm64 Debian; another starts by HTTP",
    cost: "10 min",
    needsRoot: true,
    packages: [
      ...packagesOf.demo,
      ...targets.arm64.buildPackages,
      ...packagesToEmulate,
      ...["qemu-system-arm", "qemu-efi-aarch64"],
    ],
    group: "machines",
    run: {
      kind: "files",
      globs: ["tests/arm64/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/arm64/prepare.ts"],
      timeoutMs: 60 * minuteMs,
    },
    onlyWhenNamed: true,
  },
  {
    name: "suspects",
    about: "machines with half their memory, a slow disk or link, or a disk that lies, caught by their burn-in",
    cost: "6 min",
    needsRoot: true,
    packages: packagesOf.demo,
    group: "machines",
    run: {
      kind: "files",
      globs: ["tests/suspects/*.test.ts"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      timeoutMs: 35 * minuteMs,
    },
    onlyWhenNamed: true,
  },
  {
    name: "controllers",
    about:
      "disk controllers one by one: a machine of each starts its installed system from its disk, or the disk is refused by name",
    cost: "40 min",
    needsRoot: true,
    packages: packagesOf.demo,
    group: "machines",
    run: {
      kind: "files",
      globs: ["tests/controllers/*.test.ts"],
      prepare: [
        "node_modules/.bin/node",
        "--disable-warning=ExperimentalWarning",
        "tests/recipes/prepare.ts",
        "compute",
      ],
      timeoutMs: 150 * minuteMs,
    },
    onlyWhenNamed: true,
  },
  {
    name: "fuzz-native",
    about:
      "coverage-guided fuzzing of the native program: TLS, HTTP, JSON, calls, contents, peers, placing (FUZZ_SECONDS for each of seven)",
    cost: "10 min",
    packages: [...packagesOf["image build"], "clang", "libclang-rt-14-dev"],
    run: { kind: "files", globs: ["tests/fuzz-native/*.test.ts"], timeoutMs: 1440 * minuteMs },
    onlyWhenNamed: true,
  },
];
