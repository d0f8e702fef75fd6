import { defineBench } from "../bench.ts";
import { choices, chosen } from "../rig/contestants.ts";
import { readSystemLimits, whyTooMany } from "../rig/system-limits.ts";
import { measureBusyRooms } from "../rooms/busy-rooms.ts";
import { UsageError } from "../usage-error.ts";

export const manyMembers = defineBench({
  summary: "thousands of members in hundreds of rooms on two instances, a message now and then in each",
  options: {
    members: { default: 5_000, meaning: "members of all rooms together, spread over them and both instances" },
    rooms: { default: 500, meaning: "rooms" },
    rate: { default: 500, meaning: "messages per second of all rooms together" },
    seconds: { default: 12, meaning: "seconds of messages measured on each side, after a warm-up" },
    rounds: { default: 2, meaning: "rounds that these seconds are divided into; the sides take turns" },
    sharded: choices.sharded,
  },
  async run(values) {
    const problem = whyTooMany(values.members, readSystemLimits());
    if (problem !== undefined) throw new UsageError(problem.replace("--clients", "--members"));
    return measureBusyRooms(chosen(values), values);
  },
});
