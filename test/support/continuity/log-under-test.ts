import type { Message, Page, Position } from "../../../client/src/protocol/index.ts";
import type { ChainLink } from "../../../server/src/broadcast/frame.ts";

/** What a log broadcasts: the messages of one append, or its newest position. */
export interface Broadcast {
  readonly link: ChainLink;
  readonly payload:
    | { readonly previous: Position; readonly messages: readonly Message[] }
    | { readonly position: Position };
}

/** One room's log as several instances use it, and what a failover does to it. */
export interface LogUnderTest {
  /** Appends through an instance, which takes note of it as the server does; where it was stored. */
  append(instance: number, id: string): Promise<Position>;
  /** What an instance does after its link came back, and now and then. */
  check(instance: number): Promise<Position>;
  /** A broadcast reaches an instance; false where it has to check the log. */
  deliver(instance: number, broadcast: Broadcast): boolean;
  /** Without `after` the newest messages. */
  read(after: Position | undefined, limit: number): Promise<Page>;
  /** An instance is gone, and another one that knows nothing has taken its place. */
  replace(instance: number): void;
  /** The broadcasts since the last call. */
  broadcasts(): Promise<Broadcast[]>;
  /** Keeps the state as a replica or a snapshot has it. */
  snapshot(): Promise<void>;
  /** A new life begins with the state of the last snapshot, which may have been a while ago. */
  restore(): Promise<void>;
  /** A new life begins that lost nothing. */
  restart(): Promise<void>;
  /** A new life begins that lost everything. */
  flush(): Promise<void>;
  trim(keep: number): Promise<void>;
}
