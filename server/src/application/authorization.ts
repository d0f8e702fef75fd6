import type { Authorize } from "../auth/standing.ts";
import type { Application, HookContext } from "./application.ts";
import { runHook } from "./hooks.ts";

/** Asks the application's `authorize`; undefined where it has none. */
export function createAuthorize<C>(
  { authorize }: Pick<Application<C>, "authorize">,
  context: Pick<HookContext<C>, "server" | "logger">,
): Authorize | undefined {
  if (authorize === undefined) return undefined;
  return async (question) => {
    const answer: unknown = await runHook("authorize", context, (hook) => authorize(question, hook));
    // An application in JavaScript may answer with anything, and what is forgotten must open no room.
    if (typeof answer !== "boolean")
      throw new Error(`authorize has to answer with true or false, got ${typeof answer}`);
    return answer;
  };
}
