import { serverErrors } from "@holdfast/client/protocol";
import { limitNames } from "../errors.ts";
import {
  commandFailures,
  cutReasons,
  doors,
  endings,
  leaveReasons,
  links,
  moveOutcomes,
  moveReasons,
  signalDrops,
  upgradeRefusals,
} from "./events.ts";
import { type CountRow, counter, type DistributionRow, gauge, histogram, type StateRow } from "./metric-rows.ts";

/** From what Redis takes on the same machine to what a client waits for; each is about twice the one before. */
const secondsBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Up to the largest batch. */
const batchBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/**
 * Every metric, by its name behind `holdfast_`: the one table that the metrics are made from, and that the table of the
 * deployment guide and the dashboard are held against. No label has a value that a client can choose.
 */
export const metrics = {
  websockets: gauge("connections", "WebSockets that are open, admitted or not"),
  connections: gauge("connections", "connections that are admitted, or ask to be"),
  sessions: gauge("sessions", "sessions with a connection here; one that is moving has two connections"),
  rooms: gauge("rooms", "rooms with members on this instance"),
  members: gauge("members", "members of rooms that connections of this instance hold"),
  rooms_watched: gauge("rooms", "rooms whose members are shown to connections of this instance"),
  slow_readers: gauge("connections", "connections that get no signals now, as too much waits for them"),
  reader_waiting_bytes: gauge("bytes", "bytes that wait to be sent to connections"),
  publish_waiting_bytes: gauge("bytes", "bytes of messages that wait to be appended"),
  redis_commands_up: gauge("1", "1 while Redis takes commands, else 0"),
  redis_subscriptions_up: gauge("1", "1 while subscriptions are heard, else 0"),
  draining: gauge("1", "1 while this instance admits nobody, else 0"),
  event_loop_delay_seconds: gauge(
    "seconds",
    "how late timers were since the metrics were read before; of the process",
    {
      quantile: ["0.5", "0.99", "1"],
    },
  ),
  billed_seconds_total: {
    ...gauge("seconds", "time in which at least one connection or request was open, as Function Compute bills it"),
    type: "counter",
  },
  connections_opened_total: counter("holdfast:connection:opened", {
    unit: "connections",
    help: "connections that were admitted",
  }),
  connections_closed_total: counter("holdfast:connection:closed", {
    unit: "connections",
    help: "connections that ended: by their client, by the server, or because they broke or fell silent",
    labels: { ending: endings },
    count: ({ ending }) => ({ ending }),
  }),
  connections_cut_total: counter("holdfast:connection:cut", {
    unit: "connections",
    help: "connections that the server has cut: slow readers, and those that send too much",
    labels: { reason: cutReasons },
    count: ({ reason }) => ({ reason }),
  }),
  upgrades_refused_total: counter("holdfast:upgrade:refused", {
    unit: "connections",
    help: "WebSockets that were not opened: for their origin, or above MAX_CONNECTIONS",
    labels: { reason: upgradeRefusals },
    count: ({ reason }) => ({ reason }),
  }),
  moves_asked_total: counter("holdfast:connection:expiring", {
    unit: "connections",
    help: "connections that were told to move, or that their token expires",
    labels: { reason: moveReasons },
    count: ({ reason }) => ({ reason }),
  }),
  moves_total: counter("holdfast:connection:moved", {
    unit: "connections",
    help: "what became of these: their client left them, gave a fresh token, or lost them before it had moved",
    labels: { reason: moveReasons, outcome: moveOutcomes },
    count: ({ reason, outcome }) => ({ reason, outcome }),
  }),
  joins_total: counter("holdfast:room:joined", {
    unit: "times",
    help: "joins of a room that were answered: first ones, and those from a position on",
    labels: { kind: ["first", "resumed"] },
    count: ({ isResumed }) => ({ kind: isResumed ? "resumed" : "first" }),
  }),
  publishes_total: counter("holdfast:message:published", {
    unit: "messages",
    help: "publishes that were stored, or a duplicate of one that was",
    labels: { outcome: ["stored", "duplicate"] },
    count: ({ isDuplicate }) => ({ outcome: isDuplicate ? "duplicate" : "stored" }),
  }),
  batch_messages: histogram("holdfast:batch:appended", {
    unit: "messages",
    help: "messages that one call of Redis has appended",
    bounds: batchBounds,
    observe: ({ tookMs }, add) => add({}, tookMs.length),
  }),
  publish_to_append_seconds: histogram("holdfast:batch:appended", {
    unit: "seconds",
    help: "from a publish to Redis' answer, of each message",
    bounds: secondsBounds,
    observe({ tookMs }, add) {
      for (const ms of tookMs) add({}, ms / 1000);
    },
  }),
  append_to_deliver_seconds: histogram("holdfast:batch:delivered", {
    unit: "seconds",
    help: "from the append in Redis to the members' sockets here, of each message, by Redis' clock to the millisecond",
    bounds: secondsBounds,
    observe: ({ ageMs, messages }, add) => add({}, ageMs / 1000, messages),
  }),
  deliveries_total: counter("holdfast:batch:delivered", {
    unit: "messages",
    help: "messages that were given to connections, each connection counted",
    by: ({ messages, receivers }) => messages * receivers,
  }),
  replayed_messages_total: counter("holdfast:log:read", {
    unit: "messages",
    help: "messages that were read from the log for a client that asked from a position on",
    by: ({ isReplay, messages }) => (isReplay ? messages : 0),
  }),
  gaps_total: counter("holdfast:log:read", {
    unit: "times",
    help: "reads whose answer said that messages are lost, or may be: a gap for their client",
    by: ({ isRecovered }) => (isRecovered ? 0 : 1),
  }),
  losses_total: counter("holdfast:log:lost", {
    unit: "times",
    help: "losses of Redis that this instance has reported to a room's log",
  }),
  signals_total: counter("holdfast:signal:sent", { unit: "signals", help: "signals that were sent" }),
  signal_deliveries_total: counter("holdfast:signal:delivered", {
    unit: "signals",
    help: "signals that were given to connections, each connection counted",
    by: ({ receivers }) => receivers,
  }),
  signals_dropped_total: counter("holdfast:signal:dropped", {
    unit: "signals",
    help: "signals that were not delivered: they came too late, or to a slow reader, each reader counted",
    labels: { reason: signalDrops },
    count: ({ reason }) => ({ reason }),
    by: ({ receivers }) => receivers,
  }),
  member_joins_total: counter("holdfast:member:joined", {
    unit: "members",
    help: "sessions that became members of a room through this instance",
  }),
  member_leaves_total: counter("holdfast:member:left", {
    unit: "members",
    help: "sessions that left, were disconnected, or were lost with their instance",
    labels: { reason: leaveReasons },
    count: ({ reason }) => ({ reason }),
  }),
  refusals_total: counter("holdfast:request:refused", {
    unit: "times",
    help: "refusals with this error code, in a handshake, on a socket or over HTTP",
    labels: { door: doors, code: Object.keys(serverErrors) },
    count: ({ door, code }) => ({ door, code }),
  }),
  limits_met_total: counter("holdfast:request:refused", {
    unit: "times",
    help: "times that a limit has refused something",
    labels: { limit: limitNames },
    count: ({ limit }) => (limit === undefined ? undefined : { limit }),
  }),
  redis_links_lost_total: counter("holdfast:redis:lost", {
    unit: "times",
    help: "times that a connection to Redis was lost, or given up",
    labels: { link: links },
    count: ({ link }) => ({ link }),
  }),
  redis_command_seconds: histogram("holdfast:redis:answered", {
    unit: "seconds",
    help: "how long Redis took to answer a command or script",
    labels: { link: links },
    bounds: secondsBounds,
    observe: ({ link, tookMs }, add) => add({ link }, tookMs / 1000),
  }),
  redis_failures_total: counter("holdfast:redis:failed", {
    unit: "times",
    help: "commands that failed: Redis was away, gave no answer in time, or refused",
    labels: { link: links, reason: commandFailures },
    count: ({ link, reason }) => ({ link, reason }),
  }),
} as const satisfies Record<string, StateRow | CountRow | DistributionRow>;

export type MetricName = keyof typeof metrics;
/** The metrics that are read when somebody asks. */
export type StateName = {
  [Name in MetricName]: (typeof metrics)[Name] extends StateRow ? Name : never;
}[MetricName];
