/** Fetches promtool: unpacked, not installed, since Debian's package would start a Prometheus. */
import { preparePeers } from "../../bench/peers.ts";

await preparePeers(["prometheus"], ["promtool"]);
