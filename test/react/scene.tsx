import type { AnyContract, HistoryPage } from "@holdfast/client";
import { defineContract } from "@holdfast/client/contract";
import { createHooks } from "@holdfast/client/react";
import { type ReactNode, StrictMode, Suspense, use, useState, useTransition } from "react";
import * as z from "zod";

// What the tests render, in Node.js and in a browser.

export const contract = defineContract({
  messages: { note: z.object({ text: z.string() }), other: z.object({}) },
  signals: { typing: z.object({ name: z.string() }) },
  presence: z.object({ name: z.string() }),
  requests: { double: { payload: z.object({ value: z.int() }), answer: z.object({ value: z.int() }) } },
});

const { HoldfastProvider, useStatus, useRoom, useMessages, useSignal, useMembers, useRequest } =
  createHooks<typeof contract>();

export interface NotesOptions {
  readonly room?: string | undefined;
  readonly history?: number;
  readonly limit?: number;
  readonly name?: string;
  readonly initial?: HistoryPage<AnyContract>;
  /** The messages are in a part of their own, which is not there at once. */
  readonly after?: Promise<unknown>;
}

export interface Scene {
  readonly url: string;
  readonly isStrict?: boolean;
  readonly notes: readonly NotesOptions[];
}

export function App({ url, isStrict, notes }: Scene): ReactNode {
  const app = (
    <HoldfastProvider url={url}>
      <Status />
      {notes.map((options, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: what is at a place stays there, with another room.
        <Notes key={index} {...options} />
      ))}
    </HoldfastProvider>
  );
  return isStrict ? <StrictMode>{app}</StrictMode> : app;
}

function Status(): ReactNode {
  return <p data-status={useStatus()} />;
}

export function Notes(options: NotesOptions): ReactNode {
  const { room: name, history, name: member } = options;
  const room = useRoom(name, {
    ...(history !== undefined && { history }),
    ...(member !== undefined && { presence: { name: member } }),
  });
  return (
    <section data-room={room.name} data-state={room.status} data-error={room.error?.code} data-count={room.count}>
      <Talk room={room} />
      {options.after !== undefined ? (
        <Suspense fallback={<i>waiting</i>}>
          <Messages {...options} room={room} />
        </Suspense>
      ) : (
        <Messages {...options} room={room} />
      )}
    </section>
  );
}

type Handle = ReturnType<typeof useRoom<string>>;

function Talk({ room }: { room: Handle }): ReactNode {
  const [typing, setTyping] = useState("");
  const [answer, setAnswer] = useState<number>();
  const double = useRequest("double");
  useSignal(room, "typing", ({ name }) => setTyping(name));
  return (
    <>
      <button type="button" onClick={() => void room.publish("note", { text: "said" })}>
        say
      </button>
      <button type="button" onClick={() => double({ value: 21 }).then(({ value }) => setAnswer(value))}>
        ask
      </button>
      <button type="button" onClick={() => room.signal("typing", { name: "ann" })}>
        type
      </button>
      <em>{typing}</em>
      <b>{answer}</b>
      <u>
        {useMembers(room)
          .map(({ state }) => state?.name)
          .join()}
      </u>
    </>
  );
}

function Messages({ room, initial, limit, after }: Omit<NotesOptions, "room"> & { room: Handle }): ReactNode {
  if (after !== undefined) use(after);
  const [isPending, start] = useTransition();
  const { messages, gaps, loadOlder, hasOlder } = useMessages(room, "note", {
    initial,
    ...(limit !== undefined && { limit }),
  });
  return (
    <>
      {hasOlder && (
        <button type="button" disabled={isPending} onClick={() => start(() => loadOlder())}>
          older
        </button>
      )}
      <ul>
        {messages.map(({ position, data }, index) => (
          <li key={position}>{`${gaps.has(index) ? "…" : ""}${data.text}`}</li>
        ))}
        {gaps.has(messages.length) && <li>…</li>}
      </ul>
    </>
  );
}
