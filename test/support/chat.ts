import { type Client, type ConnectOptions, connect, type Room } from "@holdfast/client";
import type { contract } from "../../app/contract.ts";

// The application that ships, as the tests' clients speak it.

export type ChatClient = Client<typeof contract>;
export type ChatRoom = Room<typeof contract>;

export function connectChat(url: string, options?: ConnectOptions): ChatClient {
  return connect<typeof contract>(url, options);
}
