import * as z from "zod";
import { limits } from "./limits.ts";
import { POSITION_PATTERN, type Position } from "./position.ts";

// The request table and the notification table: the one source of the wire's types, of the server's dispatch and of
// PROTOCOL.md's tables. Browsers import only the types of this file, so that no schema library reaches them.

const position = z.custom<Position>(
  (value) => typeof value === "string" && POSITION_PATTERN.test(value),
  "expected a position `<epochMs>-<seq>`",
);
const roomName = z.string().regex(new RegExp(`^[A-Za-z0-9_.:@-]{1,${limits.roomNameChars}}$`), {
  error: `expected a room name: 1 to ${limits.roomNameChars} characters of A-Z a-z 0-9 _ . : @ -`,
});
const messageId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, {
  error: "expected a message id: 8 to 64 characters of A-Z a-z 0-9 _ -",
});
/** Of one of the `serverMessages`. No client can send such an id. */
const serverMessageId = z.string().regex(/^server:[A-Za-z0-9_-]{8,64}$/);
const eventName = z.string().min(1).max(64);
const token = z.string().max(4096);
const pageLimit = z.int().min(1).max(limits.pageMessages);

const sender = z.strictObject({
  /** The authenticated user; null where nobody signed in. */
  user: z.string().nullable(),
  /** The session of the client that sent it; null when a back end sent it over HTTP. */
  session: z.string().nullable(),
});

const message = z.strictObject({
  position,
  id: z.union([messageId, serverMessageId]),
  event: eventName,
  data: z.unknown(),
  from: sender,
  sentAtMs: z.int(),
});

const page = {
  /** The newest position of the log at the moment of the read. */
  position,
  /** False when something between the position asked from and `messages` is lost, or may be. */
  recovered: z.boolean(),
  messages: z.array(message),
  /** False when the log holds more in the direction of the read; ask on from the last (or first) message. */
  complete: z.boolean(),
  /**
   * With `recovered: false`: a break that was found out later. Messages between the two positions, both exclusive, are
   * lost; `positions` are the last ones that they are known to have had. A reader that began after it misses nothing.
   */
  lost: z.strictObject({ after: position, before: position, positions: z.array(position) }).exactOptional(),
};

/** Who the server takes this client for: the authenticated user, or null. Older servers do not tell it. */
const user = z.string().nullable().exactOptional();

/** `<epoch>-<number>`: a state of a room's members. Numbers compare within an epoch only. */
const memberVersion = z.string().regex(/^[a-z0-9]{1,16}-\d{1,15}$/, { error: "expected a version `<epoch>-<number>`" });

const member = z.strictObject({
  user: z.string().nullable(),
  session: z.string(),
  /** As the contract's `presence` gave it; null where the member has none. */
  state: z.unknown(),
  /** By Redis' clock, for display. */
  joinedAtMs: z.int(),
});

const memberCursor = z.string().regex(/^[a-z0-9]{1,16}:\d{1,20}$/, { error: "expected a cursor from an answer" });

const presenceMode = z.enum(["members", "count"]);

function request<Payload extends z.ZodType, Data extends z.ZodType>(payload: Payload, data: Data) {
  return { payload, data };
}

/** What a client may ask: event name -> payload, and the data of a successful acknowledgement. */
export const requests = {
  echo: request(z.unknown(), z.unknown()),
  "room:join": request(
    z.strictObject({
      room: roomName,
      /** Resume: answer with everything after this position. */
      since: position.exactOptional(),
      /** Without `since`: answer with the newest so many messages; default 0. */
      history: z.int().min(0).max(limits.pageMessages).exactOptional(),
      /** Be a member, with this state or, with `true`, without one, and be told of the others. */
      presence: z.unknown().optional(),
      /** With `presence`: the version of the members that the client knows, so that it is told what has changed. */
      version: memberVersion.exactOptional(),
    }),
    z.strictObject({
      ...page,
      /** All members. Absent without `presence`, in the mode "count", and where notifications tell what has changed. */
      members: z.array(member).exactOptional(),
      count: z.int().exactOptional(),
      mode: presenceMode.exactOptional(),
      version: memberVersion.exactOptional(),
      user,
    }),
  ),
  "room:leave": request(z.strictObject({ room: roomName }), z.strictObject({})),
  "message:publish": request(
    z.strictObject({
      room: roomName,
      id: messageId,
      event: eventName,
      data: z.unknown(),
      /** Keep the order of pipelined publishes: refuse with OUT_OF_ORDER unless this earlier id is stored. */
      after: messageId.exactOptional(),
    }),
    z.strictObject({ position, duplicate: z.boolean() }),
  ),
  "history:read": request(
    z.strictObject({
      room: roomName,
      after: position.exactOptional(),
      before: position.exactOptional(),
      limit: pageLimit.exactOptional(),
    }),
    z.strictObject(page),
  ),
  "signal:send": request(z.strictObject({ room: roomName, event: eventName, data: z.unknown() }), z.strictObject({})),
  /** `state: null` ends the membership, and the room stays joined. */
  "presence:update": request(z.strictObject({ room: roomName, state: z.unknown() }), z.strictObject({})),
  "presence:list": request(
    z.strictObject({
      room: roomName,
      /** From the answer before, to go on behind it. */
      cursor: memberCursor.exactOptional(),
      limit: z.int().min(1).max(limits.pageMembers).exactOptional(),
    }),
    z.strictObject({
      members: z.array(member),
      count: z.int(),
      mode: presenceMode,
      version: memberVersion,
      cursor: memberCursor.exactOptional(),
    }),
  ),
  "token:refresh": request(
    z.strictObject({ token }),
    z.strictObject({
      /** When the connection will have to be given the next one, in milliseconds since 1970; null where it never has to. */
      expiresAtMs: z.int().nullable(),
      user,
    }),
  ),
};

/** What the server tells unasked: event name -> payload. */
export const notifications = {
  /** Messages of one append, in the order of the log, and the position before the first of them. */
  "message:published": z.strictObject({ room: roomName, previous: position, messages: z.array(message) }),
  /** Ephemeral: may be lost, is never repeated. */
  "signal:sent": z.strictObject({ room: roomName, event: eventName, data: z.unknown(), from: sender }),
  /** The log's newest position, for a client to notice that it missed the last message. */
  "room:position": z.strictObject({ room: roomName, position }),
  /** The members changed. `previous`: the version before; without it `joined` is the whole list. */
  "presence:changed": z.strictObject({
    room: roomName,
    version: memberVersion,
    previous: memberVersion.exactOptional(),
    joined: z.array(member),
    updated: z.array(member),
    /** Sessions. */
    left: z.array(z.string()),
    count: z.int(),
    mode: presenceMode,
  }),
  /** This connection is no longer in a room, because its user has lost the right to read there. */
  "room:revoked": z.strictObject({
    room: roomName,
    /** UNAVAILABLE where the right could not be looked up: join again. */
    code: z.enum(["FORBIDDEN", "UNAVAILABLE"]),
  }),
  /** This connection will be cut: move to another one before the deadline, which is in the server's clock. */
  "connection:expiring": z.strictObject({
    reason: z.enum(["timeout", "drain", "token"]),
    deadlineMs: z.int(),
  }),
};

export const handshakeAuth = z.object({
  protocol: z.int(),
  session: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, {
    error: "expected a session: 16 to 64 characters of A-Z a-z 0-9 _ -",
  }),
  token: token.optional(),
});

export type HandshakeAuth = z.infer<typeof handshakeAuth>;
export type Sender = z.infer<typeof sender>;
export type Message = z.infer<typeof message>;
export type Member = z.infer<typeof member>;
export type Page = z.infer<z.ZodObject<typeof page, z.core.$strict>>;

export type RequestName = keyof typeof requests;
export type RequestPayload<Name extends RequestName> = z.infer<(typeof requests)[Name]["payload"]>;
export type RequestData<Name extends RequestName> = z.infer<(typeof requests)[Name]["data"]>;

export type NotificationName = keyof typeof notifications;
export type NotificationPayload<Name extends NotificationName> = z.infer<(typeof notifications)[Name]>;
