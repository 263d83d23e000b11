import { packagesOf } from "../src/main/debian-packages.ts";

/** One suite of `./test`. */
export type Suite = {
  readonly name: string;
  readonly about: string;
  /** Commands that must exit 0, each counted as one test; or test files (globs) for node:test. */
  readonly run: { readonly kind: "commands"; readonly commands: readonly (readonly string[])[] } | TestFiles;
  /** Only run when named: too long for the plain run. */
  readonly onlyWhenNamed?: true;
};

type TestFiles = {
  readonly kind: "files";
  readonly globs: readonly string[];
  /** Debian packages beside those of the base system; the runner installs what is missing. */
  readonly packages?: readonly string[];
  /** What must be done first, where the outer network is: the tests' own namespaces have none. */
  readonly prepare?: readonly string[];
  /** Files that run side by side: machines wait for each other's time-outs more than they compute. One if it is not said. */
  readonly atOnce?: number;
  /** Milliseconds after which one test is called hung. */
  readonly timeoutMs: number;
};

const minuteMs = 60_000;

/** All suites, cheapest first: a broken core is known before a machine is powered on. */
export const suites: readonly Suite[] = [
  {
    name: "check",
    about: "types, the star rule (project references), Biome, and the English of documents and messages",
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
    about: "tables and properties of every room, in milliseconds",
    run: {
      kind: "files",
      globs: ["src/**/*.test.ts", "tests/fuzz/short.test.ts", "tests/text/*.test.ts"],
      packages: ["cpio", "zstd"],
      timeoutMs: 2 * minuteMs,
    },
  },
  {
    name: "init",
    about:
      "births and subs on a fake host against the real MDB and Dominator in memory: every step, every fault, power cuts",
    run: { kind: "files", globs: ["tests/init/**/*.test.ts"], timeoutMs: 2 * minuteMs },
  },
  {
    name: "native",
    about: "the native ground of init as an ordinary program: TLS, hashes, files",
    run: {
      kind: "files",
      globs: ["tests/native/*.test.ts"],
      packages: packagesOf["image build"],
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "dominator",
    about: "birther-agent as an ordinary program against the Dominator: fetch, update, forged contents, power cuts",
    run: {
      kind: "files",
      globs: ["tests/dominator/*.test.ts"],
      packages: [...packagesOf["image build"], "cpio", "cryptsetup-bin", "zstd"],
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "postgres",
    about: "the MDB on a real PostgreSQL: contract suite, several processes, restarts, failover, copies",
    run: {
      kind: "files",
      globs: ["tests/postgres/*.test.ts"],
      packages: [...packagesOf.serve, "postgresql", "iproute2"],
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "mdb-faults",
    about: "the MDB's file: kill -9 during writes (KILL_ROUNDS=1000 for the long run), a full disk, damaged files",
    run: { kind: "files", globs: ["tests/mdb-faults/*.test.ts"], timeoutMs: 30 * minuteMs },
  },
  {
    name: "real-clients",
    about: "curl, tftp-hpa, dhclient or udhcpc against our servers",
    run: {
      kind: "files",
      globs: ["tests/real-clients/*.test.ts"],
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
      ],
      timeoutMs: 2 * minuteMs,
    },
  },
  {
    name: "exports",
    about: "what other tools are given, read by them: ansible-inventory, Prometheus, promtool",
    run: {
      kind: "files",
      globs: ["tests/exports/*.test.ts"],
      packages: ["ansible-core"],
      prepare: ["node_modules/.bin/node", "tests/exports/prepare.ts"],
      timeoutMs: 2 * minuteMs,
    },
  },
  {
    name: "lab",
    about: "the virtual rack: firmware, LLDP with a real lldpd, power, clean-up",
    run: {
      kind: "files",
      globs: ["tests/lab/*.test.ts"],
      packages: [...packagesOf.demo, "lldpd", "nftables"],
      timeoutMs: 5 * minuteMs,
    },
  },
  {
    name: "image",
    about: "Bootstrap Image: builds, is small enough, holds what it must",
    run: { kind: "files", globs: ["tests/image/*.test.ts"], packages: packagesOf.demo, timeoutMs: 10 * minuteMs },
  },
  {
    name: "firmware",
    about: "OVMF and SeaBIOS: UEFI HTTP boot, Secure Boot with Microsoft's keys, ProxyDHCP beside dnsmasq, local boot",
    run: {
      kind: "files",
      // Files are taken in the order of their names: the births, which take longest, come first.
      globs: ["tests/firmware/*.test.ts"],
      packages: [...packagesOf.demo, "dnsmasq-base"],
      prepare: ["node_modules/.bin/node", "--disable-warning=ExperimentalWarning", "tests/support/prepare-births.ts"],
      atOnce: 2,
      timeoutMs: 20 * minuteMs,
    },
  },
  {
    name: "birth",
    about: "a BIOS and a UEFI machine from power-on to workload, then rebirth and clean",
    run: {
      kind: "files",
      globs: ["tests/birth/*.test.ts"],
      packages: [...packagesOf.demo, "cryptsetup-bin", "fdisk"],
      timeoutMs: 25 * minuteMs,
    },
  },
  {
    name: "faults",
    about: "births that go wrong: no LLDP, unknown port, no disk, small disk, failing burn-in, server gone",
    run: {
      kind: "files",
      globs: ["tests/faults/*.test.ts"],
      packages: packagesOf.demo,
      prepare: ["./birther", "image", "build", "--state", "build/test-state"],
      atOnce: 2,
      timeoutMs: 15 * minuteMs,
    },
  },
  {
    name: "fuzz",
    about: "ten million mutated packets for every reader of what comes from a wire (FUZZ_INPUTS, FUZZ_SEED)",
    run: { kind: "files", globs: ["tests/fuzz/fuzz.test.ts"], timeoutMs: 30 * minuteMs },
    onlyWhenNamed: true,
  },
];
