import { connect } from "@holdfast/client";
import type { contract } from "./contract.ts";

const client = connect<typeof contract>(location.origin, {
  // With AUTH=token, as s.yaml deploys, every client needs one. README.md says where tokens come from.
  // token: async () => (await (await fetch("/realtime-token", { method: "POST" })).json()).token,
});
client.on("status", (status) => {
  element("#status").textContent = status;
});
client.on("error", (error) => show(`${error.message} (${error.code})`));

const room = client.join("lobby", { history: 50 });
room.on("error", (error) => show(`${error.message} (${error.code})`));
room.on("gap", () => show("Messages may be missing here."));
room.on("chat:message", ({ text }, { from }) => {
  const isOwn = from.session === client.session;
  if (!isOwn) showTyping("");
  show(`${isOwn ? "you" : (from.user ?? "somebody")}: ${text}`);
});

const typingShownMs = 2_500;
const typingPauseMs = 1_000;
let typingTimer: ReturnType<typeof setTimeout> | undefined;
room.on("chat:typing", (_, { from }) => {
  showTyping(`${from.user ?? "somebody"} is typing …`);
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => showTyping(""), typingShownMs);
});

const input = element<HTMLInputElement>("input");
let typingSentMs = 0;
input.addEventListener("input", () => {
  // Not at every key: each signal is one message to every member.
  if (Date.now() - typingSentMs < typingPauseMs) return;
  typingSentMs = Date.now();
  room.signal("chat:typing", {});
});
element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (text === "") return;
  input.value = "";
  // It waits while there is no connection, is stored once, and comes back to its sender as it does to everybody.
  room.publish("chat:message", { text }).catch((error: unknown) => show(`not sent: ${text} (${error})`));
});

function showTyping(line: string): void {
  element("#typing").textContent = line;
}

function show(line: string): void {
  const item = document.createElement("li");
  item.textContent = line;
  element("#messages").append(item);
  item.scrollIntoView({ block: "end" });
}

function element<Kind extends HTMLElement = HTMLElement>(selector: string): Kind {
  const found = document.querySelector<Kind>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}
