import type { Client, HistoryPage, Position, ScopeOf } from "@holdfast/client";
import type { contract } from "../../contract.ts";
import { inOrder, nameOf, typedUntil, types } from "../state/people.ts";
import { arrived } from "../state/reading.ts";
import type { State, Store } from "../state/state.ts";
import { heard, missing, reacted, readBack, type Said } from "../state/timeline.ts";

type Message = HistoryPage<ScopeOf<typeof contract, string>>["messages"][number];

/** A room that the page shows. */
export interface Conversation {
  loadOlder(): Promise<void>;
  typing(): void;
  rename(name: string): void;
  leave(): void;
}

/** Messages that are shown on entry, and that each step back adds. */
const pageMessages = 60;

/** Joins a room and puts what it tells into the state. */
export function openConversation(client: Client<typeof contract>, store: Store, name: string): Conversation {
  const ownName = store.state.name;
  const room = client.join(name, { history: pageMessages, presence: ownName === undefined ? true : { name: ownName } });
  /** Who has had the last word about an emoji already: what is read back later is older. */
  const decided = new Set<string>();
  let oldest: Position | undefined;
  let isEntered = false;
  let gaps = 0;
  const update = (change: (state: State) => Partial<State>) => {
    // The page may show another room by now.
    if (store.state.room === name) store.update(change);
  };

  room.on("message", (message) => {
    oldest ??= message.position;
    if (message.event === "chat:reaction") update(reaction(message, decided));
    if (message.event !== "chat:message") return;
    const said = saidIn(message);
    const isOwn = message.from.session === client.session;
    update(({ timeline, reading, people }) => ({
      timeline: heard(timeline, said),
      reading: isOwn || !isEntered ? reading : arrived(reading, said.id),
      people: typedUntil(people, Date.now(), message.from.session ?? undefined),
    }));
  });
  room.on("gap", (gap) => {
    gaps += 1;
    const id = `gap ${gaps} ${gap.position}`;
    update(({ timeline }) => ({ timeline: missing(timeline, gap, id) }));
  });
  room.on("members", ({ count }) => {
    const here = [...room.members.values()].map(({ user, session, state }) => ({
      session,
      name: nameOf({ user, session }, state?.name),
      isOwn: session === client.session,
    }));
    update(({ people }) => ({ people: { ...people, count, here: inOrder(here) } }));
  });
  room.on("chat:typing", (_, { from }) => {
    const { session } = from;
    if (session === null || session === client.session) return;
    const typist = nameOf(from, room.members.get(session)?.state?.name);
    update(({ people }) => ({ people: types(people, session, typist, Date.now()) }));
  });
  room.on("error", ({ code, message }) => update(() => ({ trouble: `${message} (${code})` })));
  room.on("revoked", ({ message }) => update(() => ({ trouble: `You may not read this room any more: ${message}` })));
  room.ready.then(
    () => {
      isEntered = true;
      update(({ timeline }) => ({ timeline: { ...timeline, older: oldest === undefined ? "none" : "more" } }));
    },
    // It was told as an error of the room, or of the client.
    () => undefined,
  );

  return {
    async loadOlder() {
      if (store.state.timeline.older !== "more" || oldest === undefined) return;
      update(({ timeline }) => ({ timeline: { ...timeline, older: "loading" } }));
      try {
        const { messages, complete } = await room.history({ before: oldest, limit: pageMessages });
        oldest = messages[0]?.position ?? oldest;
        for (const message of messages.toReversed()) {
          if (message.event === "chat:reaction") update(reaction(message, decided));
        }
        const said = messages.flatMap((message) => (message.event === "chat:message" ? saidIn(message) : []));
        update(({ timeline }) => ({ timeline: readBack(timeline, said, complete) }));
      } catch {
        // Without a connection, or an answer: the next scroll asks again.
        update(({ timeline }) => ({ timeline: { ...timeline, older: "more" } }));
      }
    },
    typing: () => room.signal("chat:typing", {}),
    rename(newName) {
      room.setPresence({ name: newName }).catch((error: unknown) => update(() => ({ trouble: wordsOf(error) })));
    },
    leave: () => void room.leave(),
  };
}

function saidIn(message: Extract<Message, { event: "chat:message" }>): Said {
  const { id, position, from, sentAtMs, data } = message;
  return { kind: "said", id, position, text: data.text, name: data.name, from, sentAtMs };
}

/** What a reaction changes, unless a newer one has decided it already. Those of the log's end come in order. */
function reaction(message: Extract<Message, { event: "chat:reaction" }>, decided: Set<string>) {
  const { from, data } = message;
  const by = from.session ?? from.user ?? "server";
  const isLive = "replayed" in message;
  const key = `${data.to} ${data.emoji} ${by}`;
  return ({ timeline }: State): Partial<State> => {
    if (!isLive && decided.has(key)) return {};
    decided.add(key);
    const to = data.to as Position;
    return { timeline: reacted(timeline, { to, emoji: data.emoji, by, isWithdrawn: data.withdrawn === true }) };
  };
}

/** What an error says, for people. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
