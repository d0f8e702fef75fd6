/** How a silent (half-open) link comes back: everything held back passes, or both ends learn that it is dead. */
export type SilenceEnd = "heal" | "reset";

/** What becomes of a master whose place was taken: it is gone, or it becomes a replica and keeps its connections. */
export type OldMaster = "dies" | "demoted";

/** A position that a stranger claims to have had, by its place beside what the log really has. */
export type Forgery = "next" | "ahead" | "other-epoch" | "later-epoch" | "last-epoch" | "first";

interface Silence {
  readonly forMs: number;
  readonly end: SilenceEnd;
}

interface Slowness {
  readonly forMs: number;
  readonly delayMs: number;
  readonly splitBytes: number;
}

/** What happens to clients, and between them and the instances. */
export type ClientFault =
  | { readonly kind: "cut-clients"; readonly clients: readonly number[] }
  | ({ readonly kind: "silence-client"; readonly client: number } & Silence)
  | ({ readonly kind: "slow-client"; readonly client: number } & Slowness)
  /** The application ends, and comes back after so long. */
  | { readonly kind: "return-client"; readonly client: number; readonly awayMs: number };

/** What happens to instances, and between them and Redis. */
export type InstanceFault =
  | { readonly kind: "kill-instance"; readonly instance: number; readonly downMs: number }
  | { readonly kind: "stop-instance"; readonly instance: number; readonly downMs: number }
  | { readonly kind: "freeze-instance"; readonly instance: number; readonly forMs: number }
  | { readonly kind: "step-instance-clock"; readonly instance: number; readonly byMs: number }
  | { readonly kind: "cut-redis-link"; readonly instance: number }
  | ({ readonly kind: "silence-redis-link"; readonly instance: number } & Silence)
  | ({ readonly kind: "slow-redis-link"; readonly instance: number } & Slowness);

/** What strangers do, who may enter rooms. */
export type StrangerFault =
  | { readonly kind: "forge-position"; readonly instance: number; readonly room: number; readonly forgery: Forgery }
  /** A connection that asks for pages and reads nothing. */
  | { readonly kind: "deaf-reader"; readonly instance: number; readonly pages: number; readonly forMs: number };

/**
 * What happens to Redis. `node` is a master of a cluster, and 0 where there is one alone. `clockByMs`: so much later
 * than before its clock is when it is back.
 */
export type RedisFault =
  | { readonly kind: "kill-redis-connections"; readonly role: "commands" | "subscriptions" | "all" }
  | { readonly kind: "freeze-redis"; readonly node: number; readonly forMs: number }
  | { readonly kind: "step-redis-clock"; readonly byMs: number }
  /** It ends with all its data, in peace or by a kill, and comes back. */
  | {
      readonly kind: "restart-redis";
      readonly node: number;
      readonly how: "stop" | "kill";
      readonly downMs: number;
      readonly clockByMs: number;
    }
  /** It is killed, and comes back with what it had so long before. */
  | {
      readonly kind: "rewind-redis";
      readonly node: number;
      readonly lostMs: number;
      readonly downMs: number;
      readonly clockByMs: number;
    }
  | { readonly kind: "wipe-redis"; readonly node: number; readonly downMs: number; readonly clockByMs: number }
  /** A replica takes its place, which missed what was written for so long: nothing, where 0. */
  | {
      readonly kind: "promote-replica";
      readonly lostMs: number;
      readonly oldMaster: OldMaster;
      /** How long there are two masters, each with some of the instances. */
      readonly besidesMs: number;
      readonly clockByMs: number;
    }
  /** The slot of a room moves to another master of a cluster. */
  | { readonly kind: "move-slot"; readonly room: number; readonly by: number };

/** One thing that goes wrong. `client`, `instance`, `node` and `room` are indices; times are in milliseconds. */
export type Fault = ClientFault | InstanceFault | StrangerFault | RedisFault;
