import { defineBench } from "../bench.ts";
import { choices, chosen } from "../rig/contestants.ts";
import { measureBusyRooms } from "./busy-rooms.ts";

export const manyRooms = defineBench({
  summary: "CPU per delivered message in many small rooms on two instances, other servers beside it",
  options: {
    rooms: { default: 40, meaning: "rooms" },
    members: { default: 400, meaning: "members of all rooms together, spread over them and both instances" },
    rate: { default: 2000, meaning: "messages per second of all rooms together" },
    seconds: { default: 4, meaning: "seconds of messages measured on each side, after a warm-up" },
    rounds: { default: 3, meaning: "rounds that these seconds are divided into; the sides take turns" },
    ...choices,
  },
  run: (values) => measureBusyRooms(chosen(values), values, 0.8),
});
