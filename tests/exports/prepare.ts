/** Fetches Prometheus: unpacked, not installed, since Debian's package would start one. */
import { preparePeers } from "../../bench/peers.ts";

await preparePeers(["prometheus"], ["prometheus", "promtool"]);
