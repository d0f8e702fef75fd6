import { setTimeout as delay } from "node:timers/promises";
import { connectChat } from "../support/chat.ts";
import { record, recordStatus } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";
import { quietPrefix, type Stage } from "./stage.ts";

const EVERY_MS = 50;
const SETTLE_MS = 20_000;

/** What an honest publisher and an honest member met while others attacked. */
export interface Honest {
  /** Milliseconds from each publish to its acknowledgement. */
  readonly latenciesMs: readonly number[];
  readonly problems: readonly string[];
}

/** Two clients of the package in a room of theirs, from now on until `end`. */
export async function beHonest({ server, honestToken }: Stage): Promise<{ end(): Promise<Honest> }> {
  const name = uniqueRoom(quietPrefix);
  const token = () => honestToken;
  const [publisher, member] = [connectChat(server.url, { token }), connectChat(server.url, { token })];
  const statuses = [recordStatus(publisher), recordStatus(member)];
  const recording = record(member.join(name));
  const room = publisher.join(name);
  await Promise.all([member.join(name).ready, room.ready]);

  const latenciesMs: number[] = [];
  const sent: string[] = [];
  const failed: string[] = [];
  let isOver = false;
  const publish = async (text: string) => {
    const startMs = performance.now();
    await room.publish("chat:message", { text }).catch((error: unknown) => failed.push(String(error)));
    latenciesMs.push(performance.now() - startMs);
  };
  const publishing = (async () => {
    const underWay: Promise<void>[] = [];
    while (!isOver) {
      sent.push(`m${sent.length}`);
      underWay.push(publish(sent.at(-1) ?? ""));
      await delay(EVERY_MS);
    }
    await Promise.all(underWay);
  })();

  return {
    async end() {
      isOver = true;
      const settled = await Promise.race([publishing.then(() => true), delay(SETTLE_MS, false, { ref: false })]);
      await recording.has(sent.at(-1) ?? "").catch((error: unknown) => failed.push(String(error)));
      await Promise.all([publisher.close(), member.close()]);
      const unstable = statuses.flat().filter((status) => status === "reconnecting");
      return {
        latenciesMs,
        problems: [
          ...(settled ? [] : [`publishes of an honest client were not settled within ${SETTLE_MS} ms`]),
          ...new Set(failed),
          ...(recording.gaps.length === 0 ? [] : [`${recording.gaps.length} gaps were told to an honest member`]),
          ...(unstable.length === 0 ? [] : [`honest clients were cut ${unstable.length} times`]),
          ...(recording.texts().join() === sent.join()
            ? []
            : ["an honest member did not get each message once, in order"]),
        ],
      };
    },
  };
}
