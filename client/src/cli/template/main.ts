import { start } from "@holdfast/server";
import { contract } from "./contract.ts";

/** The page with its script inside: build.mjs puts it here. */
declare const PAGE: string;

// Settings come from the environment. Without REDIS_URL an embedded Valkey keeps the rooms as long as the process lives.
await start({ contract, page: PAGE });
