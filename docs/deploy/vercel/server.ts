import { createServer as createHttpServer } from "node:http";
import { createServer, settingsFrom } from "@holdfast/server";
import { contract } from "./contract.ts";

// Vercel runs the server that this file exports. A function lives for `maxDuration` seconds, after which its WebSockets
// are cut; Holdfast learns that from FUNCTION_TIMEOUT_SECONDS, and moves clients before. One instance serves many
// connections and has two connections to Redis.
const httpServer = createHttpServer();
const holdfast = await createServer({ contract }, { httpServer, settings: settingsFrom(process.env) });
httpServer.on("request", holdfast.nodeListener);

export default httpServer;
