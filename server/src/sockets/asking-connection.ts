import type { AskingConnection } from "../application/application.ts";
import { elapsedMs, type Moment } from "../clock/elapsed.ts";
import { type EngineConnection, terminate } from "./engine-connection.ts";
import type { RoomSocket } from "./room-server.ts";

/**
 * What the application's own requests learn of a connection, and may do to it.
 *
 * @param deadlineMs - by the wall clock at its opening; undefined where nothing cuts it
 */
export function askingConnection(
  { conn }: Pick<RoomSocket, "conn">,
  opened: Moment,
  deadlineMs: number | undefined,
): AskingConnection {
  return {
    get ageMs() {
      return Math.round(elapsedMs(opened));
    },
    get leftMs() {
      if (deadlineMs === undefined) return undefined;
      return Math.max(0, Math.round(deadlineMs - opened.wallMs - elapsedMs(opened)));
    },
    cut: () => terminate(conn as unknown as EngineConnection),
  };
}
