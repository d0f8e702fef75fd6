import { defineBench } from "../bench.ts";
import { choices, chosen } from "../rig/contestants.ts";
import { measureBusyRooms } from "./busy-rooms.ts";

export const hotRoom = defineBench({
  summary: "CPU per delivered message in one busy room on two instances, other servers beside it",
  options: {
    members: { default: 400, meaning: "members of the room, on both instances together" },
    rate: { default: 800, meaning: "messages per second" },
    seconds: { default: 4, meaning: "seconds of messages measured on each side, after a warm-up" },
    rounds: { default: 3, meaning: "rounds that these seconds are divided into; the sides take turns" },
    ...choices,
  },
  run: (values) => measureBusyRooms(chosen(values), { ...values, rooms: 1 }, 0.4),
});
