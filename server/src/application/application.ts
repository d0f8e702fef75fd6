import type { AnyContract, Contract, Input, Output, RequestsOf } from "@holdfast/client/contract";
import type { Logger } from "./logger.ts";
import type { Server } from "./server.ts";

/** What every hook gets beside what it is about. */
export interface HookContext<C> {
  readonly server: Server<C>;
  readonly logger: Logger;
  /** Aborts when the hook has run out of its time: its late result has no effect. */
  readonly signal: AbortSignal;
}

/** A publish of a client, before it is stored. */
export interface PublishAttempt {
  readonly room: string;
  /** The publisher's id: a repeat may run the hook again, with the same one. */
  readonly id: string;
  readonly event: string;
  /** The output of the event's schema. */
  readonly data: unknown;
  readonly user: string | null;
  readonly session: string | null;
}

/** Who asks one of the application's own questions. */
export interface Asker {
  readonly user: string | null;
  readonly session: string | null;
}

type RequestHooks<C> = {
  readonly [Event in keyof RequestsOf<C>]: (
    payload: RequestsOf<C>[Event] extends { readonly payload: infer P } ? Output<P> : never,
    context: Asker & HookContext<C>,
  ) => MaybePromise<RequestsOf<C>[Event] extends { readonly answer: infer A } ? Input<A> : never>;
};

type MaybePromise<Value> = Value | Promise<Value>;

/** What an application gives to Holdfast. Everything but the contract is optional. */
export interface Application<C = AnyContract> {
  readonly contract: C & Contract;
  /** HTML that is served at `/`, outside production. */
  readonly page?: string;
  /**
   * May refuse a publish of a client by throwing a RequestError, or change what is stored by returning other data, which
   * is not parsed again; returning nothing keeps it. Publishes of one session in one room are asked for in order, one at
   * a time. Not asked for what the server's own side publishes.
   */
  readonly beforePublish?: (attempt: PublishAttempt, context: HookContext<C>) => unknown;
  /** Answers the contract's own requests. Payload and answer are always checked by their schemas. */
  readonly requests?: RequestHooks<C>;
}
