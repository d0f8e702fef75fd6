import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

// Below the range from which Linux (32768) and others take the local ports of outgoing connections. A port of that
// range is no home for a server that is killed and comes back: meanwhile a client's connection can take the port, and
// a client that keeps trying the dead port on loopback can even connect to itself.
const LOWEST_PORT = 11_000;
const HIGHEST_PORT = 31_999;
const ATTEMPTS = 50;

const handedOut = new Set<number>();

/** A port on which nobody listens at the moment; never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT + 1);
    if (handedOut.has(port) || !(await isFree(port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`expected a free port from ${LOWEST_PORT} to ${HIGHEST_PORT}, got none in ${ATTEMPTS} attempts`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ port, host: "0.0.0.0", exclusive: true });
  try {
    await once(server, "listening");
  } catch {
    return false; // somebody else has it, which is an answer and not a failure
  }
  server.close();
  await once(server, "close");
  return true;
}
