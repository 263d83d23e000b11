// Posts to an HTTPS server as init does; prints one JSON object. Arguments: port, CA file, server name, scenario, time limit in ms.
import { readText } from "../../../src/init/system/files.ts";
import { openHttps } from "../../../src/init/system/https.ts";

const [, port, caFile = "", serverName = "", scenario = "", timeoutMs] = scriptArgs;
const client = openHttps({
  address: "127.0.0.1",
  port: Number(port),
  caPem: readText(caFile),
  serverName,
  timeoutMs: Number(timeoutMs),
});

const scenarios: { readonly [scenario: string]: () => readonly unknown[] } = {
  echo: () => [
    client.post("/echo", { hello: "grüße" }, "secret"),
    client.post("/echo", { again: "x".repeat(200000) }),
    client.post("/missing", {}),
  ],
  closing: () => [
    client.post("/close", 1),
    client.post("/close", 2),
    client.post("/quiet-close", 3),
    client.post("/echo", 4),
  ],
  silent: () => [client.post("/silent", {})],
  endless: () => [client.post("/endless", {})],
  truncated: () => [client.post("/truncated", {})],
};

let result: { readonly answers?: readonly unknown[] | undefined } | { readonly error: string };
try {
  result = { answers: scenarios[scenario]?.() };
  client.close();
} catch (error) {
  result = { error: error instanceof Error ? error.message : String(error) };
}
print(JSON.stringify(result));
