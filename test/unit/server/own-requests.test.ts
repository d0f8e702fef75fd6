import { limits } from "@holdfast/client/protocol";
import { expect, test } from "vitest";
import * as z from "zod";
import { createOwnRequests } from "../../../server/src/application/own-requests.ts";
import { contractSchemas } from "../../../server/src/application/schemas.ts";
import type { Server } from "../../../server/src/application/server.ts";
import { RequestError } from "../../../server/src/errors.ts";

const contract = { requests: { "poll:read": { payload: z.string(), answer: z.string() } } };
const silent = () => undefined;
const context = {
  server: {} as Server<typeof contract>,
  logger: { debug: silent, info: silent, warn: silent, error: silent },
};

/** An application that answers with what it was asked. */
function application() {
  const asked: string[] = [];
  const hook = (payload: string) => {
    asked.push(payload);
    return payload;
  };
  const requests = createOwnRequests({ requests: { "poll:read": hook } }, contractSchemas(contract), context);
  return { asked, requests };
}

const carrier = { ageMs: 0, leftMs: undefined, cut: silent };
const ann = { user: "ann", session: null, claims: undefined, requireCurrent: silent, may: () => true };

test("an answer of the application's own may be as large as a page, and a larger one is its fault", async () => {
  const { requests } = application();
  const largest = "x".repeat(limits.answerBytes - 2);
  expect(await requests.answer({ identity: ann, carrier }, "poll:read", largest)).toBe(largest);
  const tooLarge = requests.answer({ identity: ann, carrier }, "poll:read", `${largest}x`);
  await expect(tooLarge).rejects.toThrow("poll:read");
  await expect(tooLarge).rejects.not.toBeInstanceOf(RequestError);
});

test("the application is not asked for a user who may do nothing any more", async () => {
  const { asked, requests } = application();
  const requireCurrent = () => {
    throw new RequestError("TOKEN_EXPIRED", "the token of this connection has expired");
  };
  const refused = requests.answer({ identity: { ...ann, requireCurrent }, carrier }, "poll:read", "a");
  await expect(refused).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
  expect(asked).toEqual([]);
});
