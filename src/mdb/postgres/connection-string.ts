/**
 * A PostgreSQL database: one connection string for each host that may be its primary. Written as in libpq,
 * `postgres://user@one:5432,two:5432/fleet` or `postgres:///fleet?host=/run/one,/run/two`. Missing parts come from
 * libpq's environment variables (PGUSER, PGPASSWORD, PGPASSFILE…) and ~/.pgpass.
 */
export type PostgresConnection = {
  /** Without a password, for messages. */
  readonly name: string;
  readonly candidates: readonly string[];
};

const form = /^(postgres(?:ql)?:\/\/)(?:([^@/?#]*)@)?([^/?#]*)(\/[^?#]*)?(?:\?(.*))?$/;

/** Whether a text names a PostgreSQL database, rather than a file. */
export function isPostgres(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text);
}

/** Parses a connection string; throws an error with the expected form if it is invalid. */
export function parseConnectionString(text: string): PostgresConnection {
  const [, scheme = "", user, hosts = "", path = "", query = ""] = form.exec(text) ?? [];
  if (scheme === "" || path.length < 2) {
    throw new Error(`database: expected postgres://USER@HOST/DATABASE, found ${withoutPassword(text)}`);
  }
  const facts = new URLSearchParams(query);
  const directories = facts.get("host")?.split(",") ?? [];
  // Removed, because read-only hosts are skipped in any case.
  facts.delete("target_session_attrs");
  const candidate = (host: string, directory?: string) => {
    if (directory !== undefined) facts.set("host", directory);
    const rest = facts.size === 0 ? "" : `?${facts}`;
    return `${scheme}${user === undefined ? "" : `${user}@`}${host}${path}${rest}`;
  };
  const candidates =
    directories.length > 0
      ? directories.map((directory) => candidate(hosts, directory))
      : hosts.split(",").map((host) => candidate(host));
  return { name: withoutPassword(text), candidates };
}

function withoutPassword(text: string): string {
  return text.replace(/^([^:]*:\/\/[^:@/?#]*):[^@/?#]*@/, "$1@").replace(/([?&]password=)[^&]*/, "$1…");
}
