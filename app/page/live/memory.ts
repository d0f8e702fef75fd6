import { personName, roomName } from "../state/address.ts";

const keptRooms = 8;

/** What this browser remembers of the user: a name, and rooms. Without storage it remembers nothing, and all else works. */
export const memory = {
  name: (): string | undefined => personName(read("holdfast name")),

  rememberName: (name: string): void => write("holdfast name", name),

  /** The rooms that were opened, the newest first, with one that is opened now. */
  rooms(opened: string): string[] {
    const known = (read("holdfast rooms") ?? "lobby").split(" ").map(roomName);
    const rooms = [...new Set([opened, ...known])].filter((room) => room !== "").slice(0, keptRooms);
    write("holdfast rooms", rooms.join(" "));
    // In the order of the alphabet, so that a room stays where it is in the list.
    return rooms.toSorted();
  },
};

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing for this page: it asks again next time.
  }
}
