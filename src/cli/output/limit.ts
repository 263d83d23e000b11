import { Option } from "commander";
import { failure } from "../api/failure.ts";

/** `-n, --limit`, a number of these `things`, from 1 to 9,999,999; it is read before a server is asked. */
export function limitOption(things: string, description: string): Option {
  return new Option("-n, --limit <count>", description).argParser((text) => {
    if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
    throw failure("misused", `--limit: expected a number of ${things} from 1 to 9999999, found ${text}`);
  });
}
