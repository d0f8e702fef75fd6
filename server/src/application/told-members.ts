import type { PresenceListener } from "../presence/listener.ts";
import type { Application, HookContext } from "./application.ts";
import { runHook, Turns } from "./hooks.ts";

/**
 * Tells the application's `onJoin` and `onLeave` of members, those of one session and room in order, one at a time. Only
 * the instance that carried out a join or a leave is told of it, so the application is told once.
 */
export function createToldMembers<C>(
  { onJoin, onLeave }: Pick<Application<C>, "onJoin" | "onLeave">,
  context: Pick<HookContext<C>, "server" | "logger">,
): PresenceListener {
  const turns = new Turns();
  const tell = (name: string, room: string, session: string, hook: (context: HookContext<C>) => unknown) => {
    turns
      .take(`${room} ${session}`, () => runHook(name, context, hook))
      .catch((err: unknown) => context.logger.error({ err, room }, `${name} failed`));
  };
  return {
    joined(room, user, session) {
      if (onJoin !== undefined) tell("onJoin", room, session, (hook) => onJoin({ room, user, session }, hook));
    },
    left(room, user, session, reason, count) {
      if (onLeave === undefined) return;
      tell("onLeave", room, session, (hook) => onLeave({ room, user, session, reason, count }, hook));
    },
  };
}
