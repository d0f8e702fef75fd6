import type { Deployment } from "../rig/deployment.ts";
import type { Clients } from "../rooms/clients.ts";
import { fillRooms } from "../rooms/side.ts";

/** The instance that takes the messages, and the one with their members. */
const [DOOR, HOME] = [0, 1];
/** So many rooms that hardly a message shares its batch, and so many messages that the processes seldom fall asleep. */
const load = { rooms: 200, members: 200, rate: 1_000 };

/** What a message costs a busy instance, in microseconds of CPU. */
export interface MessageCosts {
  /** The one that takes it from its publisher. */
  readonly publishUs: number;
  /** One that has one member of its room, the delivery included. */
  readonly receiveUs: number;
  /** Redis, with one instance to send it to. */
  readonly redisUs: number;
}

/** Publishes on one instance to rooms of one member, who are all on another one. */
export async function measureMessageCosts(
  deployment: Deployment,
  clients: Clients,
  seconds: number,
): Promise<MessageCosts> {
  const places = { publishers: [DOOR], members: [HOME] };
  const side = await fillRooms(deployment, clients, load, { places });
  try {
    await side.measure(load.rate);
    const { eachServerUs, redisUs, messages } = await side.measure(load.rate * seconds);
    const perMessage = (instance: number) => (eachServerUs[instance] ?? Number.NaN) / messages;
    return { publishUs: perMessage(DOOR), receiveUs: perMessage(HOME), redisUs: redisUs / messages };
  } finally {
    await clients.close();
  }
}
