export { type Client, type ClientEvents, type ConnectOptions, connect, type Status } from "./connect.ts";
export type { SocketIoOptions } from "./connection.ts";
export type { MessageData, MessageEvent, SignalData, SignalEvent } from "./contract.ts";
export { type ErrorCode, HoldfastError } from "./errors.ts";
export type { Published } from "./outbox.ts";
export type { Message, Sender } from "./protocol/events.ts";
export type { Position } from "./protocol/position.ts";
export type { JoinOptions, Room, RoomEvents, RoomMessage } from "./room.ts";
export type { Delivery, Gap } from "./sequencer.ts";
