import { HoldfastError } from "../../errors.ts";
import type { WireError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import { randomId } from "../../random-id.ts";
import { describeError } from "../describe-error.ts";
import { ask, request } from "./connection.ts";
import { type Check, fail, type Outcome, ok, skipped, warn } from "./finding.ts";

// What the server says to a client: whether it is admitted, and what it may do.

export const admission: Check = {
  name: "admission",
  looksAt: "whether the server admits a client with this token, and speaks this protocol",
  needs: ["websocket"],
  async run(visit) {
    const found = await ask(visit);
    if (found.type === "failed") {
      return fail(
        `a client is neither admitted nor refused (${found.reason})`,
        "Check that a Holdfast server answers there, and the proxy between: it has to pass on every frame at once.",
      );
    }
    if (found.type === "refused") return judgeRefusal(found.error, visit.token !== undefined);
    const answer = await request(found.socket, "echo", "doctor", visit.waitMs);
    found.socket.disconnect();
    return answer?.ok === true
      ? ok(`a client is admitted, with protocol ${limits.protocolVersion}`)
      : fail("a Socket.IO server answers, and no Holdfast server", "Check the host and the port.");
  },
};

function judgeRefusal(error: WireError, hasToken: boolean): Outcome {
  const found = `${error.code}: ${error.message}`;
  switch (error.code) {
    case "UNAUTHENTICATED":
      if (!hasToken) return fail(found, "The server asks for a token: give one with --token or HOLDFAST_TOKEN.");
      return /signature/i.test(error.message)
        ? fail(
            found,
            "Sign it with the server's TOKEN_SECRET, or with a key of its TOKEN_JWKS_URL: this one was signed with another.",
          )
        : fail(found, "Compare the token with TOKEN_ISSUER and TOKEN_AUDIENCE, and with what the message names.");
    case "UNSUPPORTED_PROTOCOL":
      return fail(found, "Install the @holdfast/client whose version is the server's.");
    case "DRAINING":
      return warn(found, "Try again: this instance goes away, and another one takes clients.");
    case "FORBIDDEN":
      return fail(found, "Connect with another session, or look at what the application's `authenticate` refuses.");
    default:
      return fail(found, describeError(new HoldfastError(error)).next ?? "See the server's log.");
  }
}

export const rights: Check = {
  name: "rights",
  looksAt: "whether the client may read and write in `--room`",
  needs: ["admission"],
  async run(visit) {
    const { room, waitMs } = visit;
    if (room === undefined) return skipped("name a room with --room");
    const found = await ask(visit);
    if (found.type !== "admitted") return skipped("the client was not admitted this time");
    const { socket } = found;
    const read = await request(socket, "history:read", { room, limit: 1 }, waitMs);
    // Of an event that no contract has nothing is stored, and the right is looked at before the event.
    const payload = { room, id: randomId(), event: "holdfast:doctor", data: null };
    const write = await request(socket, "message:publish", payload, waitMs);
    socket.disconnect();
    if (read === undefined || write === undefined) {
      return fail("the server does not answer", "See the server's log, and the state of its Redis.");
    }
    const failed = [read, write].find(
      (answer) => !answer.ok && !["FORBIDDEN", "UNKNOWN_EVENT"].includes(answer.error.code),
    );
    if (failed?.ok === false) return judgeRefusal(failed.error, visit.token !== undefined);
    return judgeRights(room, read.ok, write.ok || write.error.code !== "FORBIDDEN");
  },
};

function judgeRights(room: string, mayRead: boolean, mayWrite: boolean): Outcome {
  const next = `Sign the token with the claim rooms: {"${room}":"read write"}, or look at \`authorize\` and ROOM_RIGHTS.`;
  if (mayRead && mayWrite) return ok(`the client may read and write in ${room}`);
  if (!mayRead && !mayWrite) return fail(`the client may neither read nor write in ${room}`, next);
  return warn(`the client may ${mayRead ? "read and not write" : "write and not read"} in ${room}`, next);
}
