/** In smaller rooms a batch saves too little to be worth its delay. */
const bigRoomMembers = 50;

/** How long the next batch of a room waits after the last one, where the room has so many members on this instance. */
export function batchPauseMs(batchDelayMs: number, membersHere: number): number {
  return membersHere < bigRoomMembers ? 0 : batchDelayMs;
}
