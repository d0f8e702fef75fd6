import type { Logger } from "pino";
import type { Server } from "socket.io";
import { requestLimits } from "../requests/user-limits.ts";
import type { CutReason } from "../telemetry/events.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { TokenBucket } from "../token-bucket.ts";
import { Admission } from "./admission.ts";
import { ConnectionReads } from "./connection-reads.ts";
import { type EngineConnection, type IncomingPacket, terminate } from "./engine-connection.ts";
import { Outgoing } from "./outgoing.ts";
import { PacedWarning } from "./paced-warning.ts";
import { ReadTokens } from "./read-tokens.ts";
import { ReaderPace } from "./reader-pace.ts";
import { cutSlowReader } from "./slow-readers.ts";

/** How long a connection that is closed may take to read what was written last. */
const closeGraceMs = 1_000;
/**
 * Packets that cannot be answered, of a connection that was admitted, and control frames of the WebSocket, of any: in one
 * burst, and per second. Answers to the server's pings are among them, and must not end a connection whose requests are
 * merely too many.
 */
const burstUnanswerable = 100;
const unanswerablePerSecond = 10;

export interface LimitsParts {
  readonly logger: Pick<Logger, "debug" | "warn">;
  readonly telemetry: Pick<Telemetry, "connectionCut">;
}

interface ConnectionParts extends LimitsParts {
  readonly cutWarning: PacedWarning;
}

/**
 * What bounds one WebSocket connection, whatever it sends on it and however often it connects to the namespace. It
 * begins before the connection is admitted, so that strangers are bounded too.
 */
export class ConnectionLimits {
  readonly limiter = new TokenBucket(requestLimits);
  readonly admission = new Admission();
  readonly outgoing: Outgoing;
  readonly pace: ReaderPace;
  readonly readTokens = new ReadTokens(this.limiter);
  readonly reads: ConnectionReads;
  readonly #unanswerable = new TokenBucket({ burst: burstUnanswerable, perSecond: unanswerablePerSecond });
  readonly #connection: EngineConnection;
  readonly #parts: ConnectionParts;
  #isCut = false;

  constructor(connection: EngineConnection, parts: ConnectionParts) {
    this.#connection = connection;
    this.#parts = parts;
    this.outgoing = new Outgoing(connection, (waitingBytes) => cutSlowReader(connection, waitingBytes, parts));
    this.pace = new ReaderPace({ ping: () => connection.sendPacket("ping") });
    this.reads = new ConnectionReads({
      waitingBytes: () => this.outgoing.waitingBytes,
      tokensWaitMs: () => this.readTokens.waitMs(),
      pace: this.pace,
    });
    connection.on("packet", (packet) => this.#take(packet));
    // A ping is answered with as many bytes, and the answers wait in memory as long as nobody reads them.
    for (const frame of ["ping", "pong"] as const)
      connection.transport.socket?.on(frame, () => this.#takeControlFrame());
    connection.once("close", () => this.reads.close());
  }

  /** Closes the connection after what was written last, so that a refusal is seen; soon, whether it is read or not. */
  close(reason: CutReason): void {
    this.#parts.telemetry.connectionCut(reason);
    this.#parts.logger.debug({ reason }, "connection closed by the server");
    setImmediate(() => this.#connection.close());
    setTimeout(() => terminate(this.#connection), closeGraceMs).unref();
  }

  /** Sees every packet before Socket.IO does. */
  #take({ type, data }: IncomingPacket): void {
    const kind = type === "message" ? kindOf(data) : "other";
    const isPageRead = type === "pong" && this.pace.pong();
    if (isPageRead) this.reads.resume();
    else if (!this.#isWithinLimits(kind)) this.#cut("too many packets");
    else if (kind === "connect" && !this.admission.ask()) this.#cut("too many connects");
    else if (kind === "foreign" && !this.admission.countRefusal()) this.close("too many refusals");
  }

  /** Frames that follow in the same bytes still come here when the connection is cut. */
  #takeControlFrame(): void {
    if (!this.#isCut && this.#unanswerable.take() !== 0) this.#cut("too many control frames");
  }

  #isWithinLimits(kind: Kind): boolean {
    if (!this.admission.isAdmitted) return this.limiter.take() === 0;
    // A request takes its own tokens, because its refusal can be reported. An attachment without one is no packet at all.
    if (kind === "attachment") this.limiter.take();
    if (kind === "attachment" || kind === "request") return true;
    return this.#unanswerable.take() === 0;
  }

  /** What follows in the same bytes is dropped by Engine.IO, because the connection is no longer open for it. */
  #cut(reason: CutReason): void {
    this.#isCut = true;
    this.#parts.telemetry.connectionCut(reason);
    this.#parts.cutWarning.warn({ reason });
    this.#connection.close();
    terminate(this.#connection);
  }
}

type Kind = "connect" | "foreign" | "request" | "attachment" | "other";

/** What a Socket.IO packet asks for: to connect to the namespace or to one that does not exist, a request or a part of one, or nothing. */
function kindOf(data: unknown): Kind {
  if (typeof data !== "string") return "attachment";
  switch (data[0]) {
    case "0":
      return data[1] !== "/" || data[2] === "," || data.length === 2 ? "connect" : "foreign";
    case "2":
    case "5":
      return "request";
    default:
      return "other";
  }
}

const limitsByConnection = new WeakMap<object, ConnectionLimits>();

/** Gives every connection of a server its limits, from the moment that its WebSocket is open. */
export function limitConnections(engine: Server["engine"], parts: LimitsParts): void {
  const connectionParts = { ...parts, cutWarning: new PacedWarning(parts.logger, "connection cut") };
  engine.on("connection", (connection: EngineConnection) => {
    limitsByConnection.set(connection, new ConnectionLimits(connection, connectionParts));
  });
}

/** The limits of a Socket.IO socket's connection. */
export function limitsOf({ conn }: { readonly conn: object }): ConnectionLimits {
  const limits = limitsByConnection.get(conn);
  if (limits === undefined) throw new Error("expected a connection that was opened after limitConnections");
  return limits;
}
