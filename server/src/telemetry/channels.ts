import { type Channel, channel } from "node:diagnostics_channel";
import type { ChannelName, TelemetryEvents } from "./events.ts";

/** One channel of `node:diagnostics_channel`, which takes the events that belong on it. */
class TypedChannel<Event> {
  readonly #channel: Channel;

  constructor(name: string) {
    this.#channel = channel(name);
  }

  /** Asked before an event is made, so that nothing is made for nobody. */
  get isHeard(): boolean {
    return this.#channel.hasSubscribers;
  }

  publish(event: Event): void {
    this.#channel.publish(event);
  }
}

function typed<Name extends ChannelName>(name: Name): TypedChannel<TelemetryEvents[Name]> {
  return new TypedChannel(name);
}

/** Every channel, by its name. */
export const channels: { readonly [Name in ChannelName]: TypedChannel<TelemetryEvents[Name]> } = {
  "holdfast:connection:opened": typed("holdfast:connection:opened"),
  "holdfast:connection:closed": typed("holdfast:connection:closed"),
  "holdfast:connection:cut": typed("holdfast:connection:cut"),
  "holdfast:connection:expiring": typed("holdfast:connection:expiring"),
  "holdfast:connection:moved": typed("holdfast:connection:moved"),
  "holdfast:upgrade:refused": typed("holdfast:upgrade:refused"),
  "holdfast:request:refused": typed("holdfast:request:refused"),
  "holdfast:room:joined": typed("holdfast:room:joined"),
  "holdfast:log:read": typed("holdfast:log:read"),
  "holdfast:log:lost": typed("holdfast:log:lost"),
  "holdfast:message:published": typed("holdfast:message:published"),
  "holdfast:batch:appended": typed("holdfast:batch:appended"),
  "holdfast:batch:delivered": typed("holdfast:batch:delivered"),
  "holdfast:signal:sent": typed("holdfast:signal:sent"),
  "holdfast:signal:delivered": typed("holdfast:signal:delivered"),
  "holdfast:signal:dropped": typed("holdfast:signal:dropped"),
  "holdfast:member:joined": typed("holdfast:member:joined"),
  "holdfast:member:left": typed("holdfast:member:left"),
  "holdfast:redis:up": typed("holdfast:redis:up"),
  "holdfast:redis:lost": typed("holdfast:redis:lost"),
  "holdfast:redis:answered": typed("holdfast:redis:answered"),
  "holdfast:redis:failed": typed("holdfast:redis:failed"),
};
