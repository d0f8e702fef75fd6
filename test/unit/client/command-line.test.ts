import { expect, test } from "vitest";
import { parseAddress } from "../../../client/src/cli/address.ts";
import { commands } from "../../../client/src/cli/commands.ts";
import { parseDurationSeconds } from "../../../client/src/cli/duration.ts";
import { nearest } from "../../../client/src/cli/nearest.ts";
import { holdfast } from "../../support/command-line.ts";

test("the help names every command of the table, and the help of each its options and an example", async () => {
  for (const argv of [[], ["--help"], ["-h"], ["help"]]) {
    const { code, out } = await holdfast(argv);
    expect(code).toBe(0);
    for (const { name } of commands) expect(out).toMatch(new RegExp(`^  ${name}\\b.*`, "m"));
    for (const { summary } of commands) expect(out).toContain(summary);
  }
  for (const { name, options, examples } of commands) {
    for (const argv of [
      [name, "--help"],
      [name, "-h"],
      ["help", name],
    ]) {
      const { code, out } = await holdfast(argv);
      expect(code).toBe(0);
      for (const option of Object.keys(options)) expect(out).toContain(`--${option}`);
      for (const example of examples) expect(out).toContain(`holdfast ${example}`);
    }
  }
});

test.each([
  [["publsh", "lobby"], "Did you mean `holdfast publish`?"],
  [["lsiten"], "Did you mean `holdfast listen`?"],
  [["frobnicate"], "The commands are init, listen, publish"],
  [["members", "lobby", "--tokn", "x"], "Did you mean --token?"],
  [["listen"], "needs ROOM"],
  [["publish", "lobby", "chat:message"], "needs JSON"],
  [["members", "lobby", "hall"], '"hall"'],
  [["members", "lobby", "--url"], "--url needs URL"],
  [["members", "lobby", "--url", "--token"], "--url needs URL"],
  [["members", "lobby", "--json=yes"], "--json takes no value"],
  [["listen", "lobby", "--history", "many"], "--history takes a number from 0 to 500"],
  [["listen", "lobby", "--history", "501"], "--history takes a number from 0 to 500"],
  [["members", "lobby", "--url", "localhost:9000"], "Did you mean http://localhost:9000?"],
  [["publish", "lobby", "chat:message", "{text:1}"], "is not JSON"],
  [["publish", "lobby", "chat:message", "-", "--id", "message-1"], "--id names one message"],
  [["token"], "needs --user"],
  [["token", "--user", "ann"], "needs the server's TOKEN_SECRET"],
  [["token", "--user", "ann", "--secret", "short"], "at least 32 characters"],
])("a wrong usage ends with 2 and says what was meant: holdfast %j", async (argv, said) => {
  const { code, out, notes } = await holdfast(argv);
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(notes).toMatch(/^USAGE: /);
  expect(notes).toContain(said);
});

test("with --json an error is one object", async () => {
  const { code, notes } = await holdfast(["publsh", "--json"]);
  expect(code).toBe(2);
  expect(JSON.parse(notes)).toEqual({
    error: { code: "USAGE", message: expect.stringContaining("publsh"), next: expect.stringContaining("publish") },
  });
});

test("a name is taken for a known one that differs in few letters, and else for none", () => {
  const known = ["init", "listen", "publish", "members", "token", "bench", "doctor"];
  expect(["inti", "membres", "docter", "lsten"].map((name) => nearest(name, known))).toEqual([
    "init",
    "members",
    "doctor",
    "listen",
  ]);
  expect(nearest("subscribe", known)).toBeUndefined();
});

test("an address may have any scheme of a WebSocket, and a path under which the server is", () => {
  expect(parseAddress("wss://rooms.example")).toEqual({ origin: "https://rooms.example", socketPath: "/socket.io/" });
  expect(parseAddress(" http://localhost:9000/ ")).toEqual({
    origin: "http://localhost:9000",
    socketPath: "/socket.io/",
  });
  for (const path of ["/rooms", "/rooms/", "/rooms/socket.io", "/rooms/socket.io/"]) {
    expect(parseAddress(`https://app.example${path}`).socketPath).toBe("/rooms/socket.io/");
  }
  expect(() => parseAddress("ftp://rooms.example")).toThrow("got ftp://");
  expect(() => parseAddress("")).toThrow("Expected an address");
});

test("a time is written with its unit", () => {
  expect(["90", "90s", "15m", "1h", "7d"].map(parseDurationSeconds)).toEqual([90, 90, 900, 3600, 604_800]);
  for (const wrong of ["", "0s", "1w", "-5m", "1.5h"]) expect(() => parseDurationSeconds(wrong)).toThrow("such as 90s");
});
