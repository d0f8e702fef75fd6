export type ChannelListener = (message: Buffer, channel: Buffer) => void;

/** Names the part that a connection plays, in logs and in Redis' CLIENT LIST. */
export type ClientRole = "commands" | "subscriptions";

export interface ClientEvents {
  /** The connection is established and, after a reconnection, subscribed again. */
  readonly onReady: () => void;
  /** The connection broke or an attempt failed; node-redis goes on trying by itself. */
  readonly onError: (error: Error) => void;
}

/** The version of Redis' protocol; 2 is for servers and proxies that do not know `HELLO`. */
export type ProtocolVersion = 2 | 3;

/** The keys of a script: by the first one a cluster knows where it runs. */
export type ScriptKeys = [string, ...string[]];

/** What Holdfast asks of Redis: the same for a single server and for a cluster. */
export interface RedisClient {
  /** True where a command that reaches a server of the wrong role is sent on to the right one, as in a cluster. */
  readonly redirects: boolean;
  connect(): Promise<unknown>;
  /** Closes at once; commands under way are rejected. */
  destroy(): void;
  /** Asks for a sign of life, and where possible for a proof that the server takes writes. */
  probe(): Promise<unknown>;
  /** Text of `INFO server`. */
  info(): Promise<string>;
  evalSha(sha: string, keys: ScriptKeys, args: string[]): Promise<unknown>;
  /** Puts a script into the script cache of every master. */
  scriptLoad(source: string): Promise<unknown>;
  eval(source: string, keys: ScriptKeys, args: string[]): Promise<unknown>;
  sSubscribe(channel: string, listener: ChannelListener): Promise<unknown>;
  /** Ends what was subscribed to with the same listener. */
  sUnsubscribe(channel: string, listener: ChannelListener): Promise<unknown>;
  sPublish(channel: string, message: string): Promise<unknown>;
}
