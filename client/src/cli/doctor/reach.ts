import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { parseAddress } from "../address.ts";
import { Refusal } from "../refusal.ts";
import { type Check, fail, type Outcome, ok, skipped, type Visit, warn } from "./finding.ts";

// From the address to the port: what has to be right before anything is said.

const dayMs = 86_400_000;
/** A certificate that ends sooner is told. */
const certificateDays = 14;

export const address: Check = {
  name: "address",
  looksAt: "scheme, host, port and path of the address",
  needs: [],
  run(visit) {
    try {
      visit.address = parseAddress(visit.url);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return fail(error.message, error.next ?? "Write it with a scheme and a host: https://rooms.example.com.");
    }
    const { origin, socketPath } = visit.address;
    if (socketPath !== "/socket.io/") {
      return warn(
        `${origin}, with the path ${JSON.stringify(new URL(visit.url).pathname)}`,
        `Clients need both: connect("${origin}", { socket: { path: "${socketPath}" } }).`,
      );
    }
    const { hostname, protocol } = new URL(origin);
    if (protocol === "http:" && !isLoopback(hostname)) {
      return warn(
        `${origin}, without TLS`,
        "Use https:// outside your own machine: tokens and messages can be read on the way, and pages of https:// may not connect.",
      );
    }
    return ok(origin);
  },
};

export const name: Check = {
  name: "name",
  looksAt: "whether the host's name has an address (DNS)",
  needs: ["address"],
  async run({ address: { origin } }) {
    const host = hostOf(origin);
    if (isIP(host) !== 0) return ok(`${host} is an address`);
    try {
      const found = await lookup(host, { all: true });
      return ok(`${host} is ${found.map((each) => each.address).join(", ")}`);
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      return code === "EAI_AGAIN"
        ? fail(`the name server did not answer for ${host}`, "Check this machine's network and its name server.")
        : fail(`${host} has no address (${code})`, "Check the spelling of the host, and its DNS record.");
    }
  },
};

export const port: Check = {
  name: "port",
  looksAt: "whether something accepts connections at the port (TCP)",
  needs: ["name"],
  async run({ address: { origin }, waitMs }) {
    const at = { host: hostOf(origin), port: portOf(origin) };
    const code = await new Promise<string>((resolve) => {
      const socket = connectTcp(at);
      socket.setTimeout(waitMs, () => resolve("TIMED_OUT"));
      socket
        .once("connect", () => resolve(""))
        .once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once("close", () => resolve("closed"));
      setTimeout(() => socket.destroy(), waitMs + 100).unref();
      socket.once("connect", () => socket.destroy());
    });
    const where = `${at.host}:${at.port}`;
    if (code === "") return ok(`${where} accepts connections`);
    if (code === "ECONNREFUSED") {
      return fail(
        `nothing listens at ${where}`,
        "Start the server, or name its port in the address: a server listens on PORT, 9000 by default.",
      );
    }
    if (code === "TIMED_OUT") {
      return fail(
        `${where} does not answer`,
        "Check the firewall or security group in front of it, and that the host is the right one.",
      );
    }
    return fail(`${where} cannot be connected to (${code})`, "Check the network between this machine and the host.");
  },
};

export const tls: Check = {
  name: "tls",
  looksAt: "the certificate, and whether the scheme is the port's",
  needs: ["port"],
  async run({ address: { origin }, waitMs }) {
    const found = await handshakeTls(hostOf(origin), portOf(origin), waitMs);
    const { host } = new URL(origin);
    if (origin.startsWith("http:")) {
      if (typeof found === "string") return skipped("the address asks for none");
      found.destroy();
      return fail("the port speaks TLS, and the address says http://", `Use https://${host}.`);
    }
    if (typeof found === "string") {
      return fail(
        `no TLS at ${host} (${found})`,
        `Use http://${host} where the server has no certificate, or let a proxy with one answer there.`,
      );
    }
    const outcome = judgeCertificate(found, host);
    found.destroy();
    return outcome;
  },
};

function judgeCertificate(socket: TLSSocket, host: string): Outcome {
  const { valid_to: until } = socket.getPeerCertificate();
  const daysLeft = Math.floor((Date.parse(until) - Date.now()) / dayMs);
  if (!socket.authorized) {
    const { authorizationError: error } = socket;
    return fail(
      `the certificate is not valid: ${error instanceof Error ? error.message : String(error)}`,
      `Install a certificate for ${host} from a public authority, with its chain; for one of your own set NODE_EXTRA_CA_CERTS.`,
    );
  }
  if (daysLeft < certificateDays) return warn(`the certificate ends in ${daysLeft} days`, "Renew it.");
  return ok(`the certificate is valid until ${until}`);
}

/** The socket after its handshake, or the code of what went wrong. */
function handshakeTls(host: string, atPort: number, waitMs: number): Promise<TLSSocket | string> {
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = connectTls({ host, port: atPort, rejectUnauthorized: false, ...servername });
    const timer = setTimeout(() => end("TIMED_OUT"), waitMs);
    const end = (code: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(code);
    };
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.once("close", () => end("closed"));
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** The host without the brackets of an IPv6 address. */
function hostOf(origin: string): string {
  return new URL(origin).hostname.replace(/^\[|\]$/g, "");
}

function portOf(origin: string): number {
  const { port: given, protocol } = new URL(origin);
  return given === "" ? (protocol === "https:" ? 443 : 80) : Number(given);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/** Where the server's own routes are, which are beside its WebSockets. */
export function routeOf({ address: { origin, socketPath } }: Pick<Visit, "address">, route: string): string {
  return `${origin}${socketPath.replace(/\/socket\.io\/$/, "")}${route}`;
}
