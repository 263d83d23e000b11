// Fetches over plain HTTP as the burn-in and birther-agent do; prints one JSON object. Argument: port.
import { openHttp } from "../../../src/init/system/http.ts";

const server = { address: "127.0.0.1", port: Number(scriptArgs[1]) };
/** A server on a busy computer may take its time; only the end of slow answers is awaited. */
const client = openHttp({ ...server, timeoutMs: 30_000 });
const impatient = openHttp({ ...server, timeoutMs: 1500 });

type OnBytes = (piece: Uint8Array) => void;

function count(action: (onBytes: OnBytes) => unknown) {
  let bytes = 0;
  let sum = 0;
  try {
    action((piece) => {
      bytes += piece.length;
      for (let index = 0; index < piece.length; index += 4096) sum += piece[index] ?? 0;
    });
    return { bytes, sum };
  } catch (error) {
    return { bytes, error: error instanceof Error ? error.message : String(error) };
  }
}

print(
  JSON.stringify({
    sized: count((onBytes) => client.get("/sized", onBytes)),
    chunked: count((onBytes) => client.get("/chunked", onBytes)),
    untilClose: count((onBytes) => client.get("/until-close", onBytes)),
    posted: count((onBytes) => client.post("/posted", "a\nb\n", onBytes)),
    empty: count((onBytes) => client.get("/empty", onBytes)),
    missing: count((onBytes) => client.get("/missing", onBytes)),
    garbage: count((onBytes) => client.get("/garbage", onBytes)),
    trailers: count((onBytes) => client.get("/endless-trailers", onBytes)),
    drips: count((onBytes) => impatient.get("/drips", onBytes)),
    dripsHead: count((onBytes) => impatient.get("/drips-head", onBytes)),
    afterwards: count((onBytes) => impatient.get("/sized", onBytes)),
  }),
);
