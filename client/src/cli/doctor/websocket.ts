import { type Check, fail, type Outcome, ok, skipped, type Visit, warn } from "./finding.ts";
import {
  type HttpAnswer,
  jsonOf,
  type NoAnswer,
  probe,
  probeUpgrade,
  serverName,
  type Upgraded,
} from "./http-probe.ts";

// Whether WebSockets come through, and for whom.

function socketUrl({ address: { origin, socketPath } }: Visit, transport: "websocket" | "polling"): string {
  return `${origin}${socketPath}?EIO=4&transport=${transport}`;
}

export const websocket: Check = {
  name: "websocket",
  looksAt: "whether a WebSocket opens, and what comes through it arrives",
  needs: ["port", "http"],
  run: async (visit) => judgeUpgrade(await probeUpgrade(socketUrl(visit, "websocket"), visit), visit),
};

const stripped =
  'Let the proxy pass WebSockets on; in nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';

function judgeUpgrade(found: Upgraded | HttpAnswer | NoAnswer, { address: { socketPath } }: Visit): Outcome {
  if (found.type === "upgraded") {
    if (found.first.includes('0{"sid"')) return ok("a WebSocket opens, and the first packet arrives");
    return fail(
      "a WebSocket opens, and no packet of Socket.IO comes through it",
      "Check that a Holdfast server answers there, and switch off buffering in the proxy (in nginx: proxy_buffering off).",
    );
  }
  if (found.type === "none") {
    return fail(
      `a WebSocket is not answered (${found.code})`,
      "Something on the way holds back or closes WebSockets: check the proxy, the firewall and the gateway.",
    );
  }
  const { status } = found;
  const { code, message } = jsonOf(found) ?? {};
  const by = serverName(found);
  // Engine.IO's answer to a request for a WebSocket that is none any more.
  if ((status === 400 && code === 3) || status === 426) {
    return fail(`a proxy${by} takes away what makes a request a WebSocket`, stripped);
  }
  if (message === "too many connections") {
    return fail("the server has too many connections", "Raise MAX_CONNECTIONS, or start more instances.");
  }
  if (status === 404) {
    return fail(
      `no Socket.IO server answers at ${socketPath}${by}: 404`,
      "Check the host and the path; a proxy has to pass this path on to the server.",
    );
  }
  if (status === 401 || status === 403) {
    return fail(
      `a WebSocket is refused with ${status}${by}`,
      "Check the authentication of the gateway or proxy in front of the server.",
    );
  }
  if (status >= 500) {
    return fail(
      `a WebSocket is answered with ${status}${by}`,
      "Check that the server runs behind the proxy or gateway, and the log of both.",
    );
  }
  return fail(
    `a WebSocket is answered with ${status}${by} ${JSON.stringify(found.body.slice(0, 80))}`,
    "Check that a Holdfast server answers there.",
  );
}

export const polling: Check = {
  name: "polling",
  looksAt: "what a client that asks for HTTP long-polling gets",
  needs: ["http"],
  async run(visit) {
    const found = await probe(socketUrl(visit, "polling"), visit);
    if (found.type === "none") return skipped(`no answer (${found.code})`);
    if (found.status === 400 && jsonOf(found)?.code === 0) {
      return ok(
        "long-polling is refused, as it should be",
        'Only where a client other than @holdfast/client does not connect: give it transports: ["websocket"].',
      );
    }
    if (found.status === 200 && found.body.includes('"sid"')) {
      return warn(
        "a Socket.IO server answers long-polling, which a Holdfast server never does",
        "Check the address: another Socket.IO server, or one that is put in front, answers there.",
      );
    }
    return skipped(`something else answers: ${found.status}`);
  },
};

export const origin: Check = {
  name: "origin",
  looksAt: "whether pages of `--origin` may connect (ALLOWED_ORIGINS)",
  needs: ["websocket"],
  async run(visit) {
    const given = visit.origin;
    if (given === undefined) return skipped("name the origin of your page with --origin https://app.example");
    if (!URL.canParse(given) || new URL(given).origin !== given) {
      const meant = URL.canParse(given) ? new URL(given).origin : "https://app.example";
      return fail(
        `${given} is no origin as a browser sends it`,
        `Write it as scheme, host and port, without a path: ${meant}.`,
      );
    }
    if (given.startsWith("https:") && visit.address.origin.startsWith("http:")) {
      const { hostname } = new URL(visit.address.origin);
      if (hostname !== "localhost" && !hostname.startsWith("127.")) {
        return fail(
          "a page of https:// may not open a WebSocket without TLS",
          "Give clients an address with https://.",
        );
      }
    }
    const found = await probeUpgrade(socketUrl(visit, "websocket"), { ...visit, headers: { Origin: given } });
    if (found.type === "upgraded") return ok(`pages of ${given} may connect`);
    const isOurs = found.type === "answer" && found.body.includes("origin not allowed");
    return fail(
      `pages of ${given} may not connect${isOurs ? "" : `: ${found.type === "none" ? found.code : found.status}`}`,
      isOurs
        ? `Add ${given} to the server's ALLOWED_ORIGINS, exactly so.`
        : "Something in front of the server refuses this Origin: check the proxy, gateway or firewall.",
    );
  },
};
