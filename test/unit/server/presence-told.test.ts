import fc from "fast-check";
import { expect, test } from "vitest";
import { createMembers } from "../../../client/src/members.ts";
import {
  fold,
  type MembersNotice,
  type RoomCopy,
  takeFrame,
  touch,
  wholeNotice,
} from "../../../server/src/presence/fold.ts";
import type { PresenceFrame } from "../../../server/src/presence/frame.ts";
import { entryOf } from "../../../server/src/presence/member.ts";
import { versionText } from "../../../server/src/presence/member-version.ts";
import { RecentChanges } from "../../../server/src/presence/recent-changes.ts";

const empty: RoomCopy = { version: { epoch: "a", n: 0 }, count: 0, mode: "members", entries: new Map() };
/** Of a state: a third of what one notice carries. */
const filling = "x".repeat(21_000);

/** A frame in which each of these sessions has another state, or is gone. */
function frameOf(n: number, sessions: readonly number[], isGone: boolean): PresenceFrame {
  const changes = [...new Set(sessions)].map((at) => ({
    session: `s${at}`,
    entry: isGone ? undefined : entryOf(`s${at}`, 1, null, JSON.stringify(`${n} ${filling}`)),
  }));
  return { epoch: "a", previous: n - 1, n, count: 1, mode: "members", by: "x", changes, ended: [] };
}

/** An instance as far as it tells members, without timers. */
function instance() {
  let { told } = wholeNotice(empty);
  let copy = empty;
  const recent = new RecentChanges();
  recent.begin(empty.version);
  return {
    get copy() {
      return copy;
    },
    get received() {
      return copy.version.n;
    },
    receive(frame: PresenceFrame) {
      recent.add(frame);
      copy = takeFrame(copy, frame);
      told = touch(told, frame);
    },
    tick() {
      const folded = fold(told, copy);
      if (folded !== undefined) told = folded.told;
      return folded?.notice;
    },
    missedSince: (n: number) => recent.after({ epoch: "a", n }, copy),
  };
}
type Instance = ReturnType<typeof instance>;

function client() {
  const members = createMembers();
  const hear = ({ version, previous, joined, updated, left, count, mode }: MembersNotice) => {
    const told = members.changed({
      room: "lobby",
      version: versionText(version),
      ...(previous === undefined ? {} : { previous: versionText(previous) }),
      joined: [...joined],
      updated: [...updated],
      left: [...left],
      count,
      mode,
    });
    expect(told).not.toBe("read");
  };
  return {
    at: undefined as Instance | undefined,
    hear,
    join(to: Instance) {
      this.at = to;
      const known = members.version === undefined ? undefined : Number(members.version.split("-")[1]);
      const missed = known === undefined ? undefined : to.missedSince(known);
      if (missed !== undefined && missed.version.n > (known ?? 0)) hear(missed);
      const { version, count, mode, entries } = to.copy;
      const whole = missed === undefined ? { members: [...entries.values()].map(({ member }) => member) } : {};
      members.joined({ ...whole, version: versionText(version), count, mode });
    },
    states: () => new Map([...members.map].map(([session, { state }]) => [session, String(state).split(" ")[0]])),
  };
}

const session = fc.integer({ min: 0, max: 6 });
const which = fc.integer({ min: 0, max: 1 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ change: fc.array(session, { minLength: 1, maxLength: 5 }), isGone: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ receive: which, count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ tick: which }) },
  { weight: 2, arbitrary: fc.record({ join: which, client: which }) },
);

test("whatever does not fit into a notice, each client knows in the end who is there and with which state", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const frames: PresenceFrame[] = [];
      const instances = [instance(), instance()] as const;
      const clients = [client(), client()] as const;
      const receive = (one: Instance, count: number) => {
        for (const frame of frames.slice(one.received, one.received + count)) one.receive(frame);
      };
      const tick = (one: Instance) => {
        const notice = one.tick();
        if (notice !== undefined) for (const each of clients) if (each.at === one) each.hear(notice);
        return notice !== undefined;
      };
      const of = <Value>(pair: readonly [Value, Value], at: number) => (at === 0 ? pair[0] : pair[1]);
      for (const each of steps) {
        if ("change" in each) frames.push(frameOf(frames.length + 1, each.change, each.isGone));
        else if ("receive" in each) receive(of(instances, each.receive), each.count);
        else if ("tick" in each) tick(of(instances, each.tick));
        else of(clients, each.client).join(of(instances, each.join));
      }
      for (const one of instances) {
        receive(one, frames.length);
        for (let ticks = 0; tick(one); ticks += 1) expect(ticks).toBeLessThan(30);
      }
      const { entries } = instances[0].copy;
      const wanted = new Map([...entries].map(([name, { member }]) => [name, String(member.state).split(" ")[0]]));
      for (const each of clients) if (each.at !== undefined) expect(each.states()).toEqual(wanted);
    }),
    { numRuns: 1_000 },
  );
});
