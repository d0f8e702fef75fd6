import type {
  AnyContract,
  Client,
  ErrorCode,
  HoldfastError,
  JoinOptions,
  MemberOf,
  MembersChange,
  MessageOf,
  Position,
  Published,
  Room,
  RoomEvents,
  RoomMessage,
  ScopeOf,
  SignalContext,
} from "@holdfast/client";
import { defineContract } from "@holdfast/client/contract";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";
import type { clientErrors, serverErrors } from "../../../client/src/protocol/errors.ts";

// These hold when the project is type-checked; what they say about is gone by the time they run.

const _contract = defineContract({
  messages: {
    "chat:message": z.strictObject({ text: z.string() }),
    "poll:vote": z.object({ votes: z.int().default(1) }),
  },
  serverMessages: { "order:paid": z.object({ order: z.string() }) },
  signals: { "chat:cursor": z.strictObject({ x: z.number(), y: z.number() }) },
  presence: z.object({ name: z.string(), isAway: z.boolean().default(false) }),
  rooms: {
    "doc:*": { messages: { "doc:op": z.object({ at: z.number() }) }, presence: z.object({ cursor: z.number() }) },
    "doc:x:*": { messages: { "x:op": z.string() } },
  },
  requests: { "poll:close": { payload: z.object({ poll: z.string() }), answer: z.object({ votes: z.int() }) } },
});
type Contract = typeof _contract;
type Events = RoomEvents<Contract>;

test("what a room can say and hear follows from the contract", () => {
  expectTypeOf<Parameters<Room<Contract>["publish"]>[0]>().toEqualTypeOf<"chat:message" | "poll:vote">();
  expectTypeOf<Parameters<Room<Contract>["signal"]>[0]>().toEqualTypeOf<"chat:cursor">();
  expectTypeOf<keyof Events>().toEqualTypeOf<
    | "chat:message"
    | "poll:vote"
    | "order:paid"
    | "chat:cursor"
    | "message"
    | "misfit"
    | "gap"
    | "members"
    | "revoked"
    | "error"
  >();
});

test("a handler gets the data of its event, as its schema gives it", () => {
  expectTypeOf<Events["chat:message"]>().toEqualTypeOf<
    [data: { text: string }, message: RoomMessage<"chat:message", { text: string }>]
  >();
  expectTypeOf<Events["poll:vote"][0]>().toEqualTypeOf<{ votes: number }>();
  expectTypeOf<Events["chat:cursor"]>().toEqualTypeOf<[data: { x: number; y: number }, signal: SignalContext]>();
  expectTypeOf<Events["error"]>().toEqualTypeOf<[error: HoldfastError]>();
});

test("a publish takes what its schema takes, and resolves with the position", () => {
  type PublishVote = (event: "poll:vote", data: { votes?: number }) => Promise<Published>;
  type PublishWrongly = (event: "chat:message", data: { txt: string }) => Promise<Published>;
  expectTypeOf<Room<Contract>["publish"]>().toExtend<PublishVote>();
  expectTypeOf<Room<Contract>["publish"]>().not.toExtend<PublishWrongly>();
  expectTypeOf<Published["position"]>().toEqualTypeOf<Position>();
});

test("a message is told apart by its event", () => {
  type Paid = Extract<MessageOf<Contract>, { event: "order:paid" }>;
  expectTypeOf<Paid["data"]>().toEqualTypeOf<{ order: string }>();
});

test("the longest pattern that matches a room's name has its events", () => {
  expectTypeOf<Parameters<Room<ScopeOf<Contract, "doc:1">>["publish"]>[0]>().toEqualTypeOf<"doc:op">();
  expectTypeOf<Parameters<Room<ScopeOf<Contract, "doc:x:1">>["publish"]>[0]>().toEqualTypeOf<"x:op">();
  expectTypeOf<ScopeOf<Contract, "lobby">>().toEqualTypeOf<Contract>();
  expectTypeOf<ScopeOf<Contract, string>>().toEqualTypeOf<Contract>();
});

test("a client publishes and signals without a handle as the room's name allows", () => {
  const client = {} as Client<Contract>;
  const wanted = (): unknown => [
    client.publish("doc:1", "doc:op", { at: 1 }),
    client.publish("lobby", "poll:vote", {}, { id: "a-vote-of-mine" }),
    client.signal("lobby", "chat:cursor", { x: 1, y: 2 }, { latest: true }),
    // @ts-expect-error the room is of another kind
    client.publish("doc:1", "chat:message", { text: "" }),
    // @ts-expect-error only the server's side may publish it
    client.publish("user:ann", "order:paid", { order: "1" }),
    // @ts-expect-error a message is no signal
    client.signal("lobby", "chat:message", { text: "" }),
  ];
  expectTypeOf(wanted).toBeFunction();
});

test("a member's state is what the contract's presence says: its input goes in, its output comes out", () => {
  type Options = Required<Parameters<Client<Contract>["join"]>>[1];
  expectTypeOf<{ presence: { name: string } }>().toExtend<Options>();
  expectTypeOf<{ presence: true }>().toExtend<Options>();
  expectTypeOf<{ presence: null }>().toExtend<Options>();
  expectTypeOf<{ presence: { nam: string } }>().not.toExtend<Options>();
  expectTypeOf<Room<Contract>["setPresence"]>().parameters.toEqualTypeOf<
    [state: { name: string; isAway?: boolean | undefined } | null]
  >();
  type State = { name: string; isAway: boolean } | null;
  expectTypeOf<MemberOf<Contract>["state"]>().toEqualTypeOf<State>();
  expectTypeOf<Room<Contract>["members"]>().toEqualTypeOf<ReadonlyMap<string, MemberOf<Contract>>>();
  expectTypeOf<Events["members"]>().toEqualTypeOf<[change: MembersChange<Contract>]>();
  expectTypeOf<MembersChange<Contract>["left"][number]["state"]>().toEqualTypeOf<State>();
});

test("rooms of a kind have the presence of their kind, and none where it names none", () => {
  type Doc = ScopeOf<Contract, "doc:1">;
  expectTypeOf<MemberOf<Doc>["state"]>().toEqualTypeOf<{ cursor: number } | null>();
  expectTypeOf<NonNullable<JoinOptions<Doc>["presence"]>>().toEqualTypeOf<{ cursor: number } | true>();
  type Plain = ScopeOf<Contract, "doc:x:1">;
  expectTypeOf<JoinOptions<Plain>["presence"]>().toEqualTypeOf<true | null | undefined>();
  expectTypeOf<MemberOf<Plain>["state"]>().toEqualTypeOf<null>();
  expectTypeOf<MemberOf<AnyContract>["state"]>().toBeUnknown();
});

test("a request takes its payload and resolves with its answer", () => {
  type Ask = (event: "poll:close", payload: { poll: string }) => Promise<{ votes: number }>;
  expectTypeOf<Client<Contract>["request"]>().toExtend<Ask>();
});

test("without a contract events are any text, and their data is unknown", () => {
  expectTypeOf<Parameters<Room<AnyContract>["publish"]>[0]>().toEqualTypeOf<string>();
  expectTypeOf<Parameters<Room<AnyContract>["publish"]>[1]>().toBeUnknown();
});

test("a contract does not compile where a schema's output is not JSON, or a name is taken", () => {
  // @ts-expect-error a Date would be stored as text
  defineContract({ messages: { "a:b": z.object({ at: z.coerce.date() }) } });
  // @ts-expect-error a message and a signal share a name
  defineContract({ messages: { "a:b": z.object({}) }, signals: { "a:b": z.object({}) } });
  // @ts-expect-error the name belongs to the wire
  defineContract({ messages: { "room:join": z.object({}) } });
  // @ts-expect-error the answer is not JSON
  defineContract({ requests: { "a:b": { payload: z.object({}), answer: z.date() } } });
});

test("a load gets the position as of which the state is needed", () => {
  expectTypeOf<NonNullable<JoinOptions["load"]>>().parameters.toEqualTypeOf<[what: { readonly position: Position }]>();
});

test("an error has one of the codes of both tables", () => {
  expectTypeOf<ErrorCode>().toEqualTypeOf<keyof typeof serverErrors | keyof typeof clientErrors>();
});
