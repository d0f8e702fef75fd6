import type { Application } from "@holdfast/server";
import type { contract } from "./contract.ts";

/** What platforms call an instance; elsewhere it is the process. */
const names = ["FC_INSTANCE_ID", "FLY_MACHINE_ID", "DYNO"];
const named = names.map((name) => process.env[name]).find((value) => value !== undefined && value !== "");
const instance = named ?? `process ${process.pid}`;

/** The answers about a client's own connection, which the page shows. */
export const requests: NonNullable<Application<typeof contract>["requests"]> = {
  "server:where": (_, { connection }) => ({
    instance,
    ageMs: connection.ageMs,
    leftMs: connection.leftMs ?? null,
  }),
  /**
   * Everybody may cut a connection of his own, in production too: a client can go away at any time by itself, and this costs the
   * server no more than that. Nobody can cut another one's.
   */
  "server:cut": (_, { connection }) => {
    connection.cut();
    return {};
  },
};
