import type {
  ErrorCode,
  HoldfastError,
  JoinOptions,
  Position,
  Published,
  Room,
  RoomEvents,
  RoomMessage,
  Sender,
} from "@holdfast/client";
import { expectTypeOf, test } from "vitest";
import type { contract } from "../../../client/src/contract.ts";
import type { clientErrors, serverErrors } from "../../../client/src/protocol/errors.ts";

// These hold when the project is type-checked; what they say about is gone by the time they run.

test("what a room can say and hear follows from the contract", () => {
  type Messages = keyof typeof contract.messages;
  type Signals = keyof typeof contract.signals;
  expectTypeOf<Parameters<Room["publish"]>[0]>().toEqualTypeOf<Messages>();
  expectTypeOf<Parameters<Room["signal"]>[0]>().toEqualTypeOf<Signals>();
  expectTypeOf<Parameters<Room["on"]>[0]>().toEqualTypeOf<Messages | Signals | "message" | "gap" | "error">();
});

test("a handler gets the data of its event", () => {
  expectTypeOf<RoomEvents["chat:message"]>().toEqualTypeOf<
    [data: { text: string }, message: RoomMessage<"chat:message">]
  >();
  expectTypeOf<RoomEvents["chat:reaction"][0]>().toEqualTypeOf<{ to: Position; emoji: string }>();
  expectTypeOf<RoomEvents["chat:cursor"]>().toEqualTypeOf<
    [data: { x: number; y: number }, signal: { readonly from: Sender }]
  >();
  expectTypeOf<RoomEvents["error"]>().toEqualTypeOf<[error: HoldfastError]>();
});

test("a publish takes the data of its event and nothing else, and resolves with the position", () => {
  type PublishMessage = (event: "chat:message", data: { text: string }) => Promise<Published>;
  type PublishWrongly = (event: "chat:message", data: { txt: string }) => Promise<Published>;
  expectTypeOf<Room["publish"]>().toExtend<PublishMessage>();
  expectTypeOf<Room["publish"]>().not.toExtend<PublishWrongly>();
  expectTypeOf<Published["position"]>().toEqualTypeOf<Position>();
});

test("a load gets the position as of which the state is needed", () => {
  expectTypeOf<NonNullable<JoinOptions["load"]>>().parameters.toEqualTypeOf<[what: { readonly position: Position }]>();
});

test("an error has one of the codes of both tables", () => {
  expectTypeOf<ErrorCode>().toEqualTypeOf<keyof typeof serverErrors | keyof typeof clientErrors>();
});
