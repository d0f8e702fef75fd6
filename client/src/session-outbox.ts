import type { Budget, Kept } from "./outbox.ts";

export interface SessionOutboxOptions {
  /** Where the session of the client is kept between two loads of its page; entries have longer keys. */
  readonly key: string;
  readonly session: string;
  /** Its `pagehide` and `pageshow` tell that the page goes and comes. */
  readonly page: Partial<EventTarget> | undefined;
  readonly budget: Budget;
  /** Publishes again what an earlier load of the page has left. */
  publish(kept: Kept): Promise<unknown>;
  /** What was left is not stored, or the storage cannot be used. */
  refused(error: unknown): void;
  failed(cause: unknown): void;
}

/**
 * Keeps the publishes that wait in `sessionStorage`, one entry each, so that the next load of the page goes on with
 * them. Where the storage cannot be used, publishing goes on in memory, and that is reported to the application. Returns a function
 * that ends it.
 */
export function openSessionOutbox({ key, session, page, budget, publish, refused, failed }: SessionOutboxOptions) {
  const prefix = `${key} `;
  let count = 0;
  let isTold = false;

  function use(action: (storage: Storage) => void) {
    try {
      action(sessionStorage);
      return true;
    } catch (cause) {
      // Once, until it works again.
      if (!isTold) failed(cause);
      isTold = true;
      return false;
    }
  }

  // A tab that is duplicated gets a copy of the storage. Two clients that live at the same time must not share a
  // session, so it is there only while no page is.
  const hide = () => use((storage) => storage.setItem(key, session));
  const show = () => use((storage) => storage.removeItem(key));
  page?.addEventListener?.("pagehide", hide);
  page?.addEventListener?.("pageshow", show);
  show();

  const left: Kept[] = [];
  use((storage) => {
    const keys = Object.keys(storage).filter((name) => name.startsWith(prefix));
    const number = (name: string) => Number(name.slice(name.lastIndexOf(" ")));
    for (const name of keys.sort((a, b) => number(a) - number(b))) {
      const kept = parse(storage.getItem(name));
      storage.removeItem(name);
      if (kept) left.push(kept);
    }
  });

  budget.keep = (kept) => {
    const name = `${prefix}${session} ${count++}`;
    if (use((storage) => storage.setItem(name, JSON.stringify(kept)))) isTold = false;
    return () => void use((storage) => storage.removeItem(name));
  };
  for (const kept of left) publish(kept).catch(refused);

  return () => {
    page?.removeEventListener?.("pagehide", hide);
    page?.removeEventListener?.("pageshow", show);
  };
}

/** What was kept; undefined for anything else that a storage may hold. */
function parse(text: string | null): Kept | undefined {
  try {
    const value: { readonly [Field in keyof Kept]?: unknown } = JSON.parse(text ?? "");
    const { room, id, event, data, calledAtMs } = value;
    if (typeof room !== "string" || typeof event !== "string" || typeof calledAtMs !== "number") return;
    if (typeof id !== "string" || !/^[\w-]{8,64}$/.test(id) || data === undefined) return;
    // A moment that is yet to come says nothing about how old the message is: it is taken for too old.
    return { room, id, event, data, calledAtMs: calledAtMs > Date.now() ? 0 : calledAtMs };
  } catch {
    return;
  }
}
