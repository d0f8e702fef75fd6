import { type Client, HoldfastError } from "@holdfast/client";
import type { contract } from "../../contract.ts";
import { located, statusChanged } from "../state/link.ts";
import type { Store } from "../state/state.ts";

const askAgainMs = 1_000;

/** Keeps the state of the connection up to date: what the client tells of it, and what the server says when asked. */
export function watchLink(client: Client<typeof contract>, store: Store): void {
  let connections = 0;

  const ask = async (connection: number): Promise<void> => {
    try {
      const where = await client.request("server:where", {});
      if (connection === connections) store.update(({ link }) => ({ link: located(link, where, Date.now()) }));
    } catch (error) {
      if (connection !== connections) return;
      if (error instanceof HoldfastError && error.retryable) setTimeout(() => void ask(connection), askAgainMs);
      // A server of another application does not know the question.
      else {
        const unknown = { instance: "this server", ageMs: 0, leftMs: null };
        store.update(({ link }) => ({ link: located(link, unknown, Date.now()) }));
      }
    }
  };

  client.on("status", (status) => {
    store.update(({ link }) => ({ link: statusChanged(link, status, Date.now()), trouble: undefined }));
    if (status !== "connected") return;
    connections += 1;
    void ask(connections);
  });
  const online = () => store.update(({ link }) => ({ link: { ...link, isOnline: navigator.onLine } }));
  addEventListener("online", online);
  addEventListener("offline", online);
  online();
}

/** Has the server cut the connection of this tab. There is no answer to this: what would carry it is cut. */
export function cutConnection(client: Client<typeof contract>): void {
  client.request("server:cut", {}).catch(() => undefined);
}
