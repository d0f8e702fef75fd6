import { createServer, SettingsError } from "@holdfast/server";
import { createPublisher } from "@holdfast/server/publisher";
import { createTestServer } from "@holdfast/server/testing";
import { expect, test } from "vitest";
import { contract } from "../../../app/contract.ts";

/** As an application in JavaScript gives them, or one that has them from a file. */
const given = (settings: Record<string, string>) => ({ settings });

test.each<[string, (settings: Record<string, string>) => unknown]>([
  ["createServer", (settings) => createServer({ contract }, given(settings))],
  ["createTestServer", (settings) => createTestServer({ contract }, given(settings))],
  ["createPublisher", async (settings) => createPublisher({ contract, ...given(settings) })],
])("%s refuses a setting that it does not know, and proposes the one that is meant", async (_what, create) => {
  const refused = create({ redisUri: "redis://a-secret@localhost", HISTORY_MAX_MESSAGES: "5", colour: "red" });
  await expect(refused).rejects.toThrow(SettingsError);
  await expect(refused).rejects.toMatchObject({
    message: expect.not.stringContaining("a-secret"),
    problems: [
      { name: "redisUri", expected: "the name redisUrl", got: "one that is no setting" },
      { name: "HISTORY_MAX_MESSAGES", expected: "the name historyMaxMessages", got: "one that is no setting" },
      { name: "colour", expected: expect.stringContaining("README"), got: "one that is no setting" },
    ],
  });
});
