export type { Client, ClientEvents, ConnectOptions, Status } from "./client-api.ts";
export { connect } from "./connect.ts";
export type { SocketIoOptions } from "./connection.ts";
export type { AnyContract, Contract, ScopeOf } from "./contract.ts";
export { type ErrorCode, HoldfastError } from "./errors.ts";
export type { Published, PublishOptions } from "./outbox.ts";
export type { Message, Sender } from "./protocol/events.ts";
export type { Position } from "./protocol/position.ts";
export type {
  HistoryPage,
  HistoryRange,
  JoinOptions,
  MemberOf,
  MembersChange,
  MessageData,
  MessageOf,
  Room,
  RoomEvents,
  RoomMessage,
  RoomStatus,
  SignalContext,
} from "./room-api.ts";
export type { Delivery, Gap } from "./sequencer.ts";
export type { SignalOptions } from "./signals.ts";
