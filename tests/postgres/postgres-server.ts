import { execFile, spawn } from "node:child_process";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);

/**
 * A PostgreSQL of the test's own, in its own directory, on a Unix socket there; no port, and nothing of the machine's
 * cluster.
 */
export type PostgresServer = AsyncDisposable & {
  readonly directory: string;
  /** Makes an empty database; returns its connection string. */
  readonly createDatabase: () => Promise<string>;
  readonly place: (database: string) => string;
  /** Runs one statement, as an operator would. */
  readonly ask: (text: string, database?: string) => Promise<readonly Record<string, unknown>[]>;
  /** `fast` ends its sessions in order; `immediate` is a crash. */
  readonly stop: (how: "fast" | "immediate") => Promise<void>;
  readonly start: () => Promise<void>;
  readonly promote: () => Promise<void>;
};

/** The server's programs from Debian's package, in their newest version. */
function programs(): string {
  const root = "/usr/lib/postgresql";
  const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  if (newest === undefined)
    throw new Error(`${root}: expected PostgreSQL's programs, found none; run apt-get install postgresql`);
  return join(root, newest, "bin");
}

/** PostgreSQL refuses to run as root; the package creates a user for it. */
function runAs(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync("/etc/passwd", "utf8").match(/^postgres:[^:]*:(\d+):(\d+):/m);
  if (line === null) throw new Error("expected a user postgres, found none; run apt-get install postgresql");
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

/** Starts a new server; with `standbyOf` one that follows another and can be promoted. */
export async function startPostgres(
  options: { readonly settings?: readonly string[]; readonly standbyOf?: PostgresServer } = {},
): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), "birther-pg-"));
  const user = runAs();
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const data = join(directory, "data");
  const bin = programs();
  const child = async (program: string, ...text: readonly string[]) => {
    const env = { ...process.env, LC_ALL: "C.UTF-8" };
    await run(join(bin, program), [...text], { ...user, env, cwd: directory, maxBuffer: 1 << 26 });
  };
  if (options.standbyOf === undefined) {
    await child("initdb", "-D", data, "-U", "birther", "-A", "trust", "--no-sync", "-E", "UTF8");
  } else {
    await child(
      "pg_basebackup",
      "-D",
      data,
      "-R",
      "-X",
      "stream",
      "-c",
      "fast",
      "-h",
      options.standbyOf.directory,
      "-U",
      "birther",
    );
  }
  const settings = [
    `unix_socket_directories=${directory}`,
    "listen_addresses=",
    "shared_buffers=32MB",
    "max_connections=50",
    ...(options.settings ?? []),
  ];
  const start = async () => {
    const text = settings.flatMap((setting) => ["-c", `'${setting}'`]).join(" ");
    // pg_ctl's child would keep its pipes open, so it gets none.
    const control = spawn(
      join(bin, "pg_ctl"),
      ["-D", data, "-w", "-t", "60", "-l", join(directory, "log"), "-o", text, "start"],
      {
        ...user,
        cwd: directory,
        env: { ...process.env, LC_ALL: "C.UTF-8" },
        stdio: "ignore",
      },
    );
    const status = await new Promise((resolve) => control.once("close", resolve));
    if (status !== 0)
      throw new Error(`starting PostgreSQL failed:\n${readFileSync(join(directory, "log"), "utf8").slice(-2000)}`);
  };
  const place = (database: string) => `postgres://birther@/${database}?host=${directory}`;
  const ask = async (text: string, database = "postgres") => {
    const client = new pg.Client({ connectionString: place(database) });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  let databases = 0;
  await start();
  return {
    ...{ directory, place, ask, start },
    stop: (how) => child("pg_ctl", "-D", data, "-w", "-m", how, "stop"),
    promote: () => child("pg_ctl", "-D", data, "-w", "promote"),
    createDatabase: async () => {
      databases += 1;
      await ask(`CREATE DATABASE fleet${databases}`);
      return place(`fleet${databases}`);
    },
    [Symbol.asyncDispose]: async () => {
      await child("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop").catch(() => undefined);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
