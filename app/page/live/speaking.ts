import type { Client, Position } from "@holdfast/client";
import type { contract } from "../../contract.ts";
import { answered } from "../state/reading.ts";
import type { Store } from "../state/state.ts";
import { notStored, reacted, stored, written } from "../state/timeline.ts";
import { wordsOf } from "./conversation.ts";

/** What the user says. It is published by the client, not by the room's handle: it goes out after the room was left, too. */
export function createSpeaking(client: Client<typeof contract>, store: Store) {
  function publish(id: string, room: string, text: string): void {
    const { name } = store.state;
    const data = { text, ...(name === undefined ? {} : { name }) };
    client.publish(room, "chat:message", data, { id }).then(
      () => store.update(({ timeline, room: shown }) => ({ timeline: stored(timeline, id, shown) })),
      (error: unknown) => store.update(({ timeline }) => ({ timeline: notStored(timeline, id, wordsOf(error)) })),
    );
  }

  return {
    say(text: string): void {
      const { room } = store.state;
      const id = messageId();
      store.update(({ timeline, reading }) => ({
        timeline: written(timeline, { kind: "waiting", id, room, text, writtenAtMs: Date.now() }),
        reading: { ...answered(reading), isAtEnd: true },
      }));
      publish(id, room, text);
    },

    /** With the same id: where the first attempt was stored after all, this one changes nothing. */
    sayAgain(id: string): void {
      const message = store.state.timeline.waiting.find((waiting) => waiting.id === id);
      if (message === undefined) return;
      const { failure: _, ...again } = message;
      store.update(({ timeline }) => ({ timeline: written(timeline, again) }));
      publish(id, message.room, message.text);
    },

    /** Reacts, or takes the reaction back. It shows at once, and is taken back where the server refuses it. */
    react(to: Position, emoji: string): void {
      const { room, session, timeline } = store.state;
      const withdrawn = timeline.reactions.get(to)?.get(emoji)?.has(session) === true;
      const show = (isWithdrawn: boolean) =>
        store.update((state) => ({ timeline: reacted(state.timeline, { to, emoji, by: session, isWithdrawn }) }));
      show(withdrawn);
      client
        .publish(room, "chat:reaction", { to, emoji, ...(withdrawn ? { withdrawn } : {}) })
        .catch((error: unknown) => {
          show(!withdrawn);
          store.update(() => ({ trouble: `Your reaction was not stored: ${wordsOf(error)}` }));
        });
    },
  };
}

/** `crypto.randomUUID` is missing where a page comes over plain HTTP from another machine. */
function messageId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
