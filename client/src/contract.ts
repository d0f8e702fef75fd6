import type { StandardSchemaV1 } from "@standard-schema/spec";

import { compareKinds, isOfKind } from "./room-kind.ts";

export { compareKinds, isOfKind };

/** A schema of any library that speaks Standard Schema (zod, valibot, arktype …). It must answer synchronously. */
type Schema = StandardSchemaV1;
type Schemas = { readonly [event: string]: Schema };

/** What rooms of one kind can say. */
export interface RoomContract {
  /** Kept in the room's log: every member gets each once, in order. */
  readonly messages?: Schemas;
  /** Like messages, but only the server's side may publish them. */
  readonly serverMessages?: Schemas;
  /** For the members connected now: never stored, may be lost. */
  readonly signals?: Schemas;
  /** A member's state. */
  readonly presence?: Schema;
}

/** What an application's rooms can say, and what its server can be asked. */
export interface Contract extends RoomContract {
  /** Rooms of a kind have their own events: `"doc:*"`. The longest match decides; `*` stands only at the end. */
  readonly rooms?: { readonly [pattern: string]: RoomContract };
  /** The application's own questions to its server. */
  readonly requests?: { readonly [event: string]: { readonly payload: Schema; readonly answer: Schema } };
}

/**
 * Declares what an application says, for both sides: its server checks by it, its browsers are typed by it
 * (`connect<typeof contract>(url)`). Clients send a schema's input; what is stored and told is its output, which must
 * be JSON. It does not compile where an output is not JSON, where a message and a signal share a name, or where a name
 * belongs to Holdfast.
 */
export function defineContract<const C extends Contract>(contract: C & Checked<C>): C {
  return contract;
}

/**
 * For `connect(url, { fits: fitsContract(contract) })`: whether the data of a message is what the contract's schema says.
 * An event that the contract does not name fits, since a newer server may tell others.
 *
 * It asks whether a schema takes its own output. That is not so where a schema transforms: `z.string().transform(Number)`
 * refuses numbers.
 */
export function fitsContract(contract: Contract): (room: string, event: string, data: unknown) => boolean {
  const kinds = Object.keys(contract.rooms ?? {}).sort(compareKinds);
  return (room, event, data) => {
    const kind = kinds.find((pattern) => isOfKind(room, pattern));
    const { messages, serverMessages } = (kind !== undefined && contract.rooms?.[kind]) || contract;
    const schemas = { ...messages, ...serverMessages };
    if (!Object.hasOwn(schemas, event)) return true;
    const result = schemas[event]?.["~standard"].validate(data);
    return result !== undefined && !("then" in result) && result.issues === undefined;
  };
}

/** What JSON can hold, as the output of a schema. */
type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json };

/** Names of the wire begin with one of these. */
type WireName = `${"room" | "message" | "history" | "signal" | "presence" | "token" | "connection"}:${string}` | "echo";
/** Names of a room's own events. */
type RoomEventName = "message" | "misfit" | "gap" | "members" | "revoked" | "error";

type CheckedOutput<S> = Output<S> extends Json ? unknown : "this schema's output is not JSON";
type CheckedName<Name> = Name extends WireName | RoomEventName ? "this name belongs to Holdfast" : unknown;
type CheckedSchemas<M, Others> = {
  readonly [E in keyof M]: M[E] &
    CheckedName<E> &
    CheckedOutput<M[E]> &
    (E extends keyof Others ? "a message and a signal share this name" : unknown);
};

type CheckedRoom<R> = (R extends { messages: infer M } ? { messages: CheckedSchemas<M, SignalsOf<R>> } : unknown) &
  (R extends { serverMessages: infer M }
    ? { serverMessages: CheckedSchemas<M, SignalsOf<R> & ClientMessagesOf<R>> }
    : unknown) &
  (R extends { signals: infer M } ? { signals: CheckedSchemas<M, unknown> } : unknown) &
  (R extends { presence: infer P } ? { presence: P & CheckedOutput<P> } : unknown);

type Checked<C> = CheckedRoom<C> &
  (C extends { rooms: infer R } ? { rooms: { readonly [P in keyof R]: R[P] & CheckedRoom<R[P]> } } : unknown) &
  (C extends { requests: infer R }
    ? { requests: { readonly [E in keyof R]: R[E] & CheckedName<E> & CheckedAnswer<R[E]> } }
    : unknown);
type CheckedAnswer<R> = R extends { answer: infer A } ? { answer: A & CheckedOutput<A> } : unknown;

/** What a schema takes, and what it makes of it. */
export type Input<S> = S extends Schema ? StandardSchemaV1.InferInput<S> : never;
export type Output<S> = S extends Schema ? StandardSchemaV1.InferOutput<S> : never;

type Nothing = Record<never, never>;
type ClientMessagesOf<R> = R extends { messages: infer M extends Schemas } ? M : Nothing;
type ServerMessagesOf<R> = R extends { serverMessages: infer M extends Schemas } ? M : Nothing;
export type SignalsOf<R> = R extends { signals: infer M extends Schemas } ? M : Nothing;
/** Every message of a room: those of clients and those of the server's side. */
export type MessagesOf<R> = ClientMessagesOf<R> & ServerMessagesOf<R>;
/** The messages of a room that a client may publish. */
export type PublishableOf<R> = ClientMessagesOf<R>;
/** The schema of a member's state. */
export type PresenceOf<R> = R extends { presence: infer P extends Schema } ? P : never;
export type RequestsOf<C> = C extends { requests: infer R } ? R : Nothing;

/** A contract of which nothing is known: events are any text, and their data is unknown. */
export type AnyContract = {
  readonly messages: Schemas;
  readonly signals: Schemas;
  readonly presence: Schema;
  readonly requests: { readonly [event: string]: { readonly payload: Schema; readonly answer: Schema } };
};

/** The events of a room, by its name: those of the longest pattern that matches, else the contract's own. */
export type ScopeOf<C, Name extends string> = C extends { rooms: infer R }
  ? [LongestMatch<keyof R & string, Name>] extends [never]
    ? C
    : R[LongestMatch<keyof R & string, Name> & keyof R]
  : C;

type Stem<Pattern extends string> = Pattern extends `${infer Start}*` ? Start : Pattern;
type Matching<Patterns extends string, Name extends string> = Patterns extends `${infer Start}*`
  ? Name extends `${Start}${string}`
    ? Patterns
    : never
  : Name extends Patterns
    ? Patterns
    : never;
type LongestMatch<Patterns extends string, Name extends string> = Longest<
  Matching<Patterns, Name>,
  Matching<Patterns, Name>
>;
type Longest<One extends string, All extends string> = One extends string
  ? [All extends string ? (Stem<One> extends `${Stem<All>}${string}` ? never : All) : never] extends [never]
    ? One
    : never
  : never;
