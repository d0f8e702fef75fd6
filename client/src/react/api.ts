import type {
  AnyContract,
  Client,
  ConnectOptions,
  Gap,
  HistoryPage,
  HoldfastError,
  JoinOptions,
  MemberOf,
  MessageOf,
  Room,
  RoomMessage,
  RoomStatus,
  ScopeOf,
  SignalContext,
  Status,
} from "@holdfast/client";
import type { ReactElement, ReactNode } from "react";
import type { Input, MessagesOf, Output, RequestsOf, SignalsOf } from "../contract.ts";

export type ProviderProps<Contract> = { readonly children?: ReactNode } & (
  | {
      /** Where the server is. Another address is another client. */
      readonly url: string | URL;
      /** What `connect` takes. They are read when it connects. */
      readonly options?: ConnectOptions;
      /** The client's `error` event. It is read when it connects. Default: the first one is a warning on the console. */
      readonly onError?: (error: HoldfastError) => void;
      readonly client?: never;
    }
  | {
      /** A client of the application's own, which the provider does not close. */
      readonly client: Client<Contract>;
      readonly url?: never;
      readonly options?: never;
      readonly onError?: never;
    }
);

/**
 * A component's own handle of a room. It is another object when one of its fields has changed; its functions stay the
 * same, and may be called before the room is joined: they wait for that, except for `signal`.
 */
export interface RoomHandle<Scope = AnyContract>
  extends Pick<Room<Scope>, "on" | "publish" | "signal" | "history" | "setPresence"> {
  readonly name: string | undefined;
  /**
   * As of the room's own `status`: `joining` until it is joined for the first time, `left` where the server has refused it
   * or there is none. Cuts do not change it; `useStatus` tells them.
   */
  readonly status: RoomStatus;
  /** What the room's events `error` and `revoked` have told last; undefined once the room is joined. */
  readonly error?: HoldfastError | undefined;
  /** The number of members; undefined before it is known, and without `presence`. */
  readonly count?: number;
}

/** A message of one event. */
type Shown<Scope, Event> = string extends keyof MessagesOf<Scope>
  ? RoomMessage
  : Extract<MessageOf<Scope>, { readonly event: Event }>;

export interface MessagesOptions {
  /**
   * A page of `history`, read on the server, which is shown until the room is joined and goes on without a hole or a
   * repeat: the newest messages, as `server.history(room, { limit })` gives them. It counts in the first rendering of a
   * room.
   */
  readonly initial?: HistoryPage<AnyContract> | undefined;
  /**
   * Messages that the handle keeps, those of all events and the gaps together. Where several components show messages of
   * one handle, the largest limit counts. Default 1,000.
   */
  readonly limit?: number;
}

export interface Messages<Message> {
  /** In the order of the room's log; `position` is the key of each. */
  readonly messages: readonly Message[];
  /**
   * Where messages may be missing: by the index of the message behind the gap, `messages.length` for one at the end. So
   * `gaps.has(index)` says whether to show a mark before a message.
   */
  readonly gaps: ReadonlyMap<number, Gap>;
  /** False where the log's beginning is here, or as many messages as `limit` are. */
  readonly hasOlder: boolean;
  /**
   * Reads older messages, until there are some of this event, and puts them in front. Never two at a time. Rejects as
   * `room.history` does.
   */
  readonly loadOlder: () => Promise<void>;
}

type PayloadOf<R> = R extends { readonly payload: infer P } ? Input<P> : never;
type AnswerOf<R> = R extends { readonly answer: infer A } ? Output<A> : never;

/** The hooks of a contract. All but the provider need a `HoldfastProvider` above them. */
export interface Hooks<Contract> {
  /** Gives the components below a client, which it connects in an effect, so never on a server, and closes in the end. */
  HoldfastProvider(props: ProviderProps<Contract>): ReactElement;
  /** The client's status; `connecting` on a server. */
  useStatus(): Status;
  /**
   * Joins a room as long as the component lives: in an effect, so never on a server. Without a name it joins none. Another
   * name, or other options, leave the room and join anew, with no messages from before; options are compared as JSON. A
   * state that changes is told by `room.setPresence`, and what `load` needs of a later rendering is read from a ref.
   */
  useRoom<const Name extends string>(
    name: Name | undefined,
    options?: JoinOptions<ScopeOf<Contract, Name>>,
  ): RoomHandle<ScopeOf<Contract, Name>>;
  /** The messages that have come since the room was joined, of one event or of all. */
  useMessages<Scope, Event extends keyof MessagesOf<Scope> & string = keyof MessagesOf<Scope> & string>(
    room: RoomHandle<Scope>,
    event?: Event,
    options?: MessagesOptions,
  ): Messages<Shown<Scope, Event>>;
  /** Calls the newest handler on every signal of this event. */
  useSignal<Scope, Event extends keyof SignalsOf<Scope> & string>(
    room: RoomHandle<Scope>,
    event: Event,
    handler: (data: Output<SignalsOf<Scope>[Event]>, signal: SignalContext) => void,
  ): void;
  /** The members of a room whose handle has the option `presence`. Empty where there are too many: `room.count` tells. */
  useMembers<Scope>(room: RoomHandle<Scope>): readonly MemberOf<Scope>[];
  /** Gives a function that asks the server one of the application's own questions, as `client.request` does. */
  useRequest<Event extends keyof RequestsOf<Contract> & string>(
    event: Event,
  ): (payload: PayloadOf<RequestsOf<Contract>[Event]>) => Promise<AnswerOf<RequestsOf<Contract>[Event]>>;
}
