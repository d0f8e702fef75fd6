import type { Message, Page, Position } from "../../../client/src/protocol/index.ts";
import { comparePositions, isRepeat, START, splitPosition } from "../../../client/src/protocol/position.ts";
import type { ChainLink } from "../../../server/src/broadcast/frame.ts";
import { type Evidence, KnownPositions } from "../../../server/src/log/known-positions.ts";
import type { Broadcast, LogUnderTest } from "../../support/continuity/log-under-test.ts";
import { instanceCount } from "../../support/continuity/world.ts";
import { seededRandom } from "../../support/random.ts";

interface Entry {
  readonly position: Position;
  readonly message: Message;
  /** Of the first of an epoch. */
  readonly previous?: Position;
  /** Of a loss entry. */
  readonly lost?: NonNullable<Page["lost"]>;
}

interface State {
  readonly entries: readonly Entry[];
  readonly life: number;
  readonly ids: ReadonlyMap<string, Position>;
}

const isAfter = (a: Position, b: Position) => comparePositions(a, b) > 0;
const isSameEpoch = (a: Position, b: Position) => splitPosition(a).epochMs === splitPosition(b).epochMs;

/** The rules of the log's scripts, in memory: lives, epochs, the chain, loss entries. */
export class ModelLog implements LogUnderTest {
  #state: State = { entries: [], life: 0, ids: new Map() };
  #snapshot = this.#state;
  #life = 1;
  /** Stands for the bits that are taken from the life's name. */
  #bits = 0;
  readonly #random = seededRandom(1);
  #clockMs: number;
  readonly #stepMs: number;
  readonly #writeStepMs: number;
  readonly #known = Array.from({ length: instanceCount }, newKnown);
  readonly #sent: Broadcast[] = [];

  /**
   * @param lifeStepMs what Redis' clock steps by with each life; negative where each is behind the one before it
   * @param writeStepMs what it goes on by with each write
   */
  constructor(lifeStepMs: number, writeStepMs: number) {
    this.#stepMs = lifeStepMs;
    this.#writeStepMs = writeStepMs;
    this.#clockMs = 1_000_000;
  }

  get #head(): Position {
    return this.#state.entries.at(-1)?.position ?? START;
  }

  async append(instance: number, id: string): Promise<Position> {
    const known = this.#knownTo(instance);
    const stored = this.#state.ids.get(id);
    if (stored !== undefined) return stored;
    const shown = known.evidence("room");
    const { lost, gone } = this.#markLoss(shown);
    const previous = this.#head;
    const begins = previous === START || this.#state.life !== this.#life;
    const { epochMs, seq } = splitPosition(previous);
    const position: Position = begins ? `${this.#nextEpoch(shown)}-0` : `${epochMs}-${seq + 1}`;
    const message = messageAt(position, id);
    this.#push({ position, message, ...(begins && { previous }) }, new Map([...this.#state.ids, [id, position]]));
    this.#send({ previous, head: position, ...(lost && { lost: lost.positions }) }, { previous, messages: [message] });
    known.settle("room", shown, { newest: position, head: position, lost: gone, renewed: true });
    return position;
  }

  async check(instance: number): Promise<Position> {
    const known = this.#knownTo(instance);
    const shown = known.evidence("room");
    const previous = this.#head;
    const { lost, gone } = this.#markLoss(shown);
    if (lost) this.#send({ previous, head: this.#head, lost: lost.positions }, { position: this.#head });
    const newest = this.#state.entries.findLast((entry) => entry.lost === undefined)?.position ?? START;
    known.settle("room", shown, { newest, head: this.#head, lost: gone, renewed: true });
    return this.#head;
  }

  deliver(instance: number, { link }: Broadcast): boolean {
    return this.#knownTo(instance).receive("room", link);
  }

  async read(after: Position | undefined, limit: number): Promise<Page> {
    const position = this.#head;
    if (after === undefined) {
      const messages = this.#state.entries.flatMap(({ lost, message }) => (lost ? [] : message));
      return { position, recovered: true, complete: true, messages: messages.slice(messages.length - limit) };
    }
    const messages: Message[] = [];
    let recovered = true;
    let isProven = after === position;
    let previous = after;
    let lost: Page["lost"];
    for (const entry of this.#state.entries) {
      if (isAfter(after, entry.position)) continue;
      if (entry.position === after) {
        isProven = true;
        continue;
      }
      if (entry.lost) {
        if (messages.length > 0) return { position, recovered, complete: false, messages, ...(lost && { lost }) };
        let { after: lostAfter, before } = entry.lost;
        const positions = [
          ...(lost?.positions ?? []),
          ...entry.lost.positions,
          ...(isProven || after === START ? [] : [after]),
        ];
        if (!isProven) before = entry.position;
        if (!isProven && isAfter(lostAfter, after)) lostAfter = after;
        if (lost && isAfter(lostAfter, lost.after)) lostAfter = lost.after;
        if (lost && isAfter(lost.before, before)) before = lost.before;
        recovered = false;
        lost = { after: lostAfter, before, positions };
      } else {
        const follows = isSameEpoch(previous, entry.position) && comparePositions(entry.position, previous) === 1;
        const isLinked = follows || entry.previous === previous;
        const isFull = messages.length >= limit;
        if ((!isLinked && messages.length > 0) || isFull) {
          return { position, recovered, complete: false, messages, ...(lost && { lost }) };
        }
        if (!isLinked) recovered = false;
        messages.push(entry.message);
      }
      isProven = true;
      previous = entry.position;
    }
    if (!isProven) recovered = false;
    return { position, recovered, complete: true, messages, ...(lost && { lost }) };
  }

  replace(instance: number): void {
    this.#known[instance] = newKnown();
  }

  async broadcasts(): Promise<Broadcast[]> {
    return this.#sent.splice(0);
  }

  async snapshot(): Promise<void> {
    this.#snapshot = this.#state;
  }

  async restore(): Promise<void> {
    this.#state = this.#snapshot;
    await this.restart();
  }

  async restart(): Promise<void> {
    this.#life += 1;
    this.#bits = Math.floor(this.#random() * 2 ** 20);
    // Never twice the same: two lives that know nothing of each other cannot be told apart within one millisecond.
    this.#clockMs += this.#stepMs + 1 + Math.floor(this.#random() * 50);
  }

  async flush(): Promise<void> {
    this.#state = { entries: [], life: 0, ids: new Map() };
    await this.restart();
  }

  async trim(keep: number): Promise<void> {
    const entries = this.#state.entries.slice(-Math.max(1, keep));
    this.#state = { ...this.#state, entries };
  }

  #knownTo(instance: number): KnownPositions {
    const known = this.#known[instance];
    if (known === undefined) throw new Error(`expected an instance below ${instanceCount}, got ${instance}`);
    return known;
  }

  #push(entry: Entry, ids = this.#state.ids): void {
    this.#state = { entries: [...this.#state.entries, entry], life: this.#life, ids };
  }

  #send(link: ChainLink, payload: Broadcast["payload"]): void {
    this.#sent.push({ link, payload });
  }

  #nextEpoch(shown: readonly Evidence[]): number {
    const epochs = [this.#head, ...shown.map(({ position }) => position)].map(
      (position) => splitPosition(position).epochMs,
    );
    const highest = Math.max(...epochs);
    if (this.#clockMs > highest) return this.#clockMs;
    if (this.#state.life === this.#life && highest === epochs[0]) return highest + 1;
    return highest + 1 + this.#bits;
  }

  #isLost(position: Position): boolean {
    const [oldest] = this.#state.entries;
    if (oldest === undefined) return true;
    if (isSameEpoch(position, this.#head)) return isAfter(position, this.#head);
    if (this.#state.entries.some((entry) => entry.position === position)) return false;
    return isAfter(oldest.position, position) ? oldest.previous === START : true;
  }

  /** One of the first entries behind the break may report it already. */
  #isReported(position: Position): boolean {
    const following = this.#state.entries.filter((entry) => isAfter(entry.position, position)).slice(0, 16);
    return following.some(({ lost }) => lost?.positions.some((reported) => isRepeat(reported, position)));
  }

  /** Every write begins with it. */
  #markLoss(shown: readonly Evidence[]): { readonly lost?: Page["lost"]; readonly gone: readonly Position[] } {
    this.#clockMs += this.#writeStepMs;
    const isNews = ({ position, toldAt }: Evidence) =>
      this.#isLost(position) && (toldAt === undefined || this.#isLost(toldAt));
    const gone = shown.filter(isNews).map(({ position }) => position);
    const news = gone.filter((position) => !this.#isReported(position));
    if (news.length === 0) return { gone };
    const positions = this.#state.entries.map(({ position }) => position);
    const mark: Position = `${this.#nextEpoch(shown)}-0`;
    const afters = news.map((position) => positions.findLast((other) => isAfter(position, other)) ?? START);
    const befores = news.map((position) => positions.find((other) => isAfter(other, position)) ?? mark);
    const after = afters.sort(comparePositions).at(0) ?? START;
    const before = befores.sort(comparePositions).at(-1) ?? mark;
    this.#push({ position: mark, message: messageAt(mark, `lost-${mark}`), lost: { after, before, positions: news } });
    return { lost: { after, before, positions: news }, gone };
  }
}

function newKnown(): KnownPositions {
  const known = new KnownPositions(3600);
  known.enter("room", START);
  return known;
}

function messageAt(position: Position, id: string): Message {
  return {
    position,
    id,
    event: "chat:message",
    data: {},
    from: { user: null, session: null },
    sentAtMs: 1_700_000_000_000,
  };
}
