import { connect } from "@holdfast/client";
import type { contract } from "./contract.ts";

const client = connect<typeof contract>(location.origin);
client.on("status", (status) => {
  element("#status").textContent = status;
});
client.on("error", (error) => show(`${error.message} (${error.code})`));

const room = client.join("lobby", { history: 50 });
room.on("chat:message", ({ text }, { from }) => {
  element("#typing").textContent = "";
  show(`${from.session === client.session ? "you" : "somebody"}: ${text}`);
});
room.on("chat:typing", () => {
  element("#typing").textContent = "somebody is typing …";
});
room.on("gap", () => show("Messages may be missing here."));

const input = element<HTMLInputElement>("input");
input.addEventListener("input", () => room.signal("chat:typing", {}));
element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (text === "") return;
  input.value = "";
  // It waits while there is no connection, is stored once, and comes back to its sender like to everybody.
  room.publish("chat:message", { text }).catch((error: unknown) => show(`not sent: ${text} (${error})`));
});

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
