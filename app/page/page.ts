import { connect, type HoldfastError, type Sender } from "@holdfast/client";
import type { contract } from "../contract.ts";

// A chat in one page. The room is the part of the address behind `#`, and `?name=ann` is the name to be seen by; open a
// second tab to talk.

const roomName = decodeURIComponent(location.hash.slice(1)) || "lobby";
const ownName = new URLSearchParams(location.search).get("name")?.trim().slice(0, 64);
const shownNames = 20;
const typingShownMs = 2_500;
const typingPauseMs = 1_000;

const messageList = element("#messages", HTMLUListElement);
const statusLine = element("#status", HTMLElement);
const countLine = element("#count", HTMLElement);
const nameList = element("#names", HTMLElement);
const typingLine = element("#typing", HTMLElement);
const form = element("form", HTMLFormElement);
const input = element("input", HTMLInputElement);
element("#room", HTMLElement).textContent = roomName;
input.focus();

const client = connect<typeof contract>(location.origin);
client.on("status", (status) => {
  statusLine.textContent = status;
  statusLine.dataset.status = status;
});
client.on("error", (error) => {
  if (!error.retryable) addNotice(explain(error));
});

const room = client.join(roomName, { history: 50, presence: ownName ? { name: ownName } : true });
room.on("members", ({ count }) => {
  countLine.textContent = `${count} here${room.members.size > 0 ? ":" : ""}`;
  const names = [...room.members.values()].map((member) =>
    member.session === client.session ? `${nameOf(member)} (you)` : nameOf(member),
  );
  if (names.length > shownNames) names.splice(shownNames, names.length, `${names.length - shownNames} more`);
  nameList.replaceChildren(
    ...names.map((name) => {
      const item = document.createElement("li");
      item.textContent = name;
      return item;
    }),
  );
});
room.on("gap", () => addNotice("Messages may be missing here: the room's history was lost or is no longer kept."));
room.on("error", (error) => addNotice(explain(error)));
room.on("chat:message", ({ text }, { from, sentAtMs }) => {
  const isOwn = from.session === client.session;
  if (!isOwn) typingLine.replaceChildren();
  addMessage(text, `${isOwn ? "you" : nameOf(from)} · ${timeOf(sentAtMs)}`).classList.toggle("own", isOwn);
});

let typingTimer: ReturnType<typeof setTimeout> | undefined;
room.on("chat:typing", (_, { from }) => {
  typingLine.textContent = `${nameOf(from)} is typing …`;
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => typingLine.replaceChildren(), typingShownMs);
});

let typingToldMs = 0;
input.addEventListener("input", () => {
  if (Date.now() - typingToldMs < typingPauseMs) return;
  typingToldMs = Date.now();
  room.signal("chat:typing", {});
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (text === "") return;
  input.value = "";
  void send(text);
});

/** Shows the text as waiting until it is stored; what is stored comes back to its sender as it does to everybody. */
async function send(text: string): Promise<void> {
  const item = addMessage(text, "you · sending");
  item.classList.add("own", "waiting");
  try {
    await room.publish("chat:message", { text });
    item.remove();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    item.querySelector("small")?.replaceChildren(`you · not sent: ${reason}`);
  }
}

function addMessage(text: string, note: string): HTMLElement {
  const item = document.createElement("li");
  const small = document.createElement("small");
  small.textContent = note;
  item.append(text, small);
  messageList.append(item);
  item.scrollIntoView({ block: "end" });
  return item;
}

function addNotice(text: string): void {
  const item = document.createElement("li");
  item.className = "notice";
  item.textContent = text;
  messageList.append(item);
}

function explain({ code, message }: HoldfastError): string {
  return `${message} (${code})`;
}

function nameOf({ user, session }: Sender): string {
  const name = room.members.get(session ?? "")?.state?.name;
  return name ?? user ?? `guest ${session?.slice(0, 4) ?? "API"}`;
}

function timeOf(epochMs: number): string {
  return new Date(epochMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function element<Kind extends HTMLElement>(selector: string, kind: new () => Kind): Kind {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}
