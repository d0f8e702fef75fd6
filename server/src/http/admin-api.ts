import { requests } from "@holdfast/client/protocol";
import { Hono } from "hono";
import { RequestError } from "../errors.ts";
import { asAdmin } from "./bearer.ts";
import { createPulseApi, type PulseApiParts } from "./pulse-api.ts";

export interface AdminApiParts {
  readonly adminToken: string | undefined;
  /** Whether nothing is asked for: on a developer's machine without an ADMIN_TOKEN. */
  readonly isOpen: boolean;
  readonly disconnectUser: (user: string) => Promise<void>;
  readonly clearRoom: (room: string) => Promise<void>;
  readonly metrics: () => Promise<{ readonly body: string; readonly contentType: string }>;
  readonly pulse: PulseApiParts["pulse"];
}

/**
 * `POST /admin/users/:user/disconnect`: the user is disconnected everywhere, and does not come back with an old token. `POST
 * /admin/rooms/:room/clear`: the room's messages are gone, and its members get a gap. `GET /metrics`: what this
 * instance tells about itself, in Prometheus' format.
 */
export function createAdminApi(parts: AdminApiParts): Hono {
  const { disconnectUser, clearRoom, metrics, pulse } = parts;
  const api = new Hono();
  const admin = asAdmin(parts);
  api.route("/", createPulseApi({ admin, pulse }));
  api.get("/metrics", admin, async (context) => {
    const { body, contentType } = await metrics();
    return context.body(body, 200, { "Content-Type": contentType });
  });
  api.post("/admin/users/:user/disconnect", admin, async (context) => {
    await disconnectUser(context.req.param("user"));
    return context.json({});
  });
  api.post("/admin/rooms/:room/clear", admin, async (context) => {
    const room = requests["room:leave"].payload.safeParse({ room: context.req.param("room") });
    if (!room.success) throw new RequestError("INVALID_PAYLOAD", "expected the name of a room");
    await clearRoom(room.data.room);
    return context.json({});
  });
  return api;
}
