/** Fetches Prometheus: unpacked, not installed, because Debian's package would start one. */
import { preparePeers } from "../../bench/peers.ts";

await preparePeers(["prometheus"], ["prometheus", "promtool"]);
