import { connect } from "@holdfast/client";
import type { contract } from "../contract.ts";
import { createComposer } from "./live/composer.ts";
import { type Conversation, openConversation } from "./live/conversation.ts";
import { watchKeyboard } from "./live/keyboard.ts";
import { memory } from "./live/memory.ts";
import { createPanel } from "./live/panels.ts";
import { createScroll } from "./live/scroll.ts";
import { createSpeaking } from "./live/speaking.ts";
import { cutConnection, watchLink } from "./live/whereabouts.ts";
import { personName, readAddress, roomName } from "./state/address.ts";
import { nobody, typedUntil } from "./state/people.ts";
import { allRead } from "./state/reading.ts";
import { createStore, initialState, type State } from "./state/state.ts";
import { inAnotherRoom } from "./state/timeline.ts";
import type { Actions } from "./view/actions.ts";
import { connection } from "./view/connection.ts";
import { draw } from "./view/dom.ts";
import { banner, move, pill, title, typingLine, waitingLine } from "./view/header.ts";
import { messages } from "./view/messages.ts";
import { people, rooms } from "./view/people.ts";
import { countOf } from "./view/words.ts";

// A chat in one page. The room is the part of the address behind `#`, and `?name=ann` is the name to be seen by. What is
// known is one state (`state/`); what the page looks like follows from it (`view/`); `live/` is what happens in between.

/** The clock on the page moves so often. */
const tickMs = 250;

const log = element("#log", HTMLElement);
const list = element("#messages", HTMLElement);
const status = element("#status", HTMLButtonElement);
const newest = element("#newest", HTMLButtonElement);
const field = element("#text", HTMLTextAreaElement);

const address = readAddress(location.href);
const server = document.querySelector<HTMLMetaElement>("meta[name=holdfast-server]")?.content || location.origin;
const client = connect<typeof contract>(server, { outbox: "session" });
const store = createStore(
  initialState({
    room: address.room,
    name: address.name ?? memory.name(),
    session: client.session,
    rooms: memory.rooms(address.room),
  }),
  render,
);
const speaking = createSpeaking(client, store);
const actions: Actions = {
  sendAgain: speaking.sayAgain,
  react(position, emoji) {
    speaking.react(position, emoji);
    actions.pick(undefined);
  },
  pick: (picking) => store.update(() => ({ picking })),
  cut: () => cutConnection(client),
};
let conversation: Conversation;
const scroll = createScroll(log, list, store, () => void conversation.loadOlder());

watchLink(client, store);
client.on("error", (error) => {
  if (error.code !== "OUTBOX_NOT_KEPT") store.update(() => ({ trouble: error.message }));
});
client.on("waiting", () => store.update(() => ({})));
conversation = openConversation(client, store, address.room);
addEventListener("hashchange", () => enter(readAddress(location.href).room));

createComposer(element("#composer", HTMLFormElement), field, {
  send: speaking.say,
  typing: () => conversation.typing(),
});
watchKeyboard(list, { closePicker: () => actions.pick(undefined) });
createPanel(element("#show-places", HTMLButtonElement), element("#places", HTMLElement));
createPanel(status, element("#connection", HTMLElement));
element("#skip", HTMLButtonElement).addEventListener("click", () => field.focus());
newest.addEventListener("click", () => {
  scroll.toEnd();
  field.focus();
});
onSubmit("#open-room", "#room-name", (text, input) => {
  input.value = "";
  if (roomName(text) !== "") location.hash = roomName(text);
});
onSubmit("#rename", "#own-name", (text) => {
  const name = personName(text);
  if (name === undefined) return;
  memory.rememberName(name);
  store.update(() => ({ name }));
  conversation.rename(name);
});
element("#own-name", HTMLInputElement).value = store.state.name ?? "";
setInterval(() => store.update(({ people: all }) => ({ people: typedUntil(all, Date.now()) })), tickMs);
if (matchMedia("(pointer: fine)").matches) field.focus();

function enter(room: string): void {
  if (room === store.state.room) return;
  conversation.leave();
  store.update(({ timeline, reading }) => ({
    room,
    rooms: memory.rooms(room),
    timeline: inAnotherRoom(timeline),
    people: nobody,
    reading: { ...allRead, isSeen: reading.isSeen },
    picking: undefined,
    trouble: undefined,
  }));
  conversation = openConversation(client, store, room);
}

/** What the list was drawn from last. */
let drawnFrom: readonly unknown[] = [];

function render(): void {
  const { state } = store;
  const nowMs = Date.now();
  const { room, reading, link } = state;
  renderList(state, nowMs);
  draw(element("#title", HTMLElement), title(state));
  draw(status, pill(link, nowMs));
  status.dataset.status = link.status;
  draw(element("#banner", HTMLElement), banner(state, nowMs));
  draw(element("#move", HTMLElement), move(link, nowMs));
  draw(element("#connection", HTMLElement), connection(state, actions, nowMs));
  draw(element("#people", HTMLElement), people(state.people));
  draw(element("#rooms", HTMLElement), rooms(state));
  draw(element("#said", HTMLElement), [waitingLine(state, client.waiting) || typingLine(state)]);
  newest.hidden = reading.isAtEnd;
  newest.textContent = reading.unread > 0 ? countOf(reading.unread, "new message") : "Newest";
  document.title = `${reading.unread > 0 ? `(${reading.unread}) ` : ""}#${room} · Holdfast`;
}

/** The list is drawn only when something in it is another one: the clock moves four times a second. */
function renderList(state: State, nowMs: number): void {
  const { timeline, reading, people: all, room, name, link, picking } = state;
  const from = [timeline, reading.firstUnread, all.here, all.count === 1, room, name, link.status, picking];
  if (from.every((value, index) => value === drawnFrom[index])) return;
  const isPicked = picking !== undefined && picking !== drawnFrom.at(-1);
  drawnFrom = from;
  const picked = document.activeElement?.closest(".picker")?.closest(".message");
  scroll.around(() => draw(list, messages(state, actions, nowMs)));
  if (picking === undefined) picked?.querySelector<HTMLElement>(".react")?.focus();
  if (isPicked) list.querySelector<HTMLElement>(".picker button")?.focus();
}

function onSubmit(form: string, input: string, act: (text: string, input: HTMLInputElement) => void): void {
  const given = element(input, HTMLInputElement);
  element(form, HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    act(given.value, given);
  });
}

function element<Kind extends HTMLElement>(selector: string, kind: new () => Kind): Kind {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}
