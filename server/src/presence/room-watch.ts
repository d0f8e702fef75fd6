import {
  fold,
  judgeFrame,
  type MembersNotice,
  type RoomCopy,
  type Told,
  takeFrame,
  touch,
  wholeNotice,
} from "./fold.ts";
import type { PresenceFrame } from "./frame.ts";
import type { MemberVersion } from "./member-version.ts";
import type { ListedMembers, RoomHead } from "./presence-store.ts";
import { RecentChanges } from "./recent-changes.ts";

export interface RoomWatchOptions {
  /** Reads where the room stands, with all members where their changes are published. Throws UNAVAILABLE. */
  readonly read: () => Promise<ListedMembers>;
  /** A frame or a list shows the room's epoch, and names of instances that have members in it: see RoomPresence. */
  readonly onHead: (version: MemberVersion, instances: Iterable<string>) => void;
  readonly tell: (connections: readonly string[], notice: MembersNotice) => void;
  /** How long nobody is told anything after the data of Redis were lost: until all instances have restored theirs. */
  readonly calmMs: number;
}

/** What a client that joins is told. */
export interface JoinedView {
  readonly copy: RoomCopy;
  /** Whether the client takes the copy's list in place of its own. */
  readonly isWhole: boolean;
  /** What it has missed since the version that it knows. */
  readonly missed: MembersNotice | undefined;
}

/** How long changes are gathered before they are told: in a small room, and above that many members. */
const smallRoomMembers = 100;
const smallRoomTickMs = 200;
const largeRoomTickMs = 900;
/** A list is read again after a hole at a random moment within this, because many instances may see the same hole. */
const rereadSpreadMs = 100;
const retryMs = 1_000;
/** Frames that are kept while the list is read. */
const waitingFrames = 10_000;

/** One room as this instance's watching clients see it: a copy of its members, and what was sent of it. */
export class RoomWatch {
  readonly #options: RoomWatchOptions;
  readonly watchers = new Set<string>();
  readonly #recent = new RecentChanges();
  #copy: RoomCopy | undefined;
  #told: Told | undefined;
  /** Whether the next notice has the whole list, or the changes. */
  #isDue: "whole" | "fold" = "fold";
  #frames: PresenceFrame[] = [];
  #reading: Promise<void> | undefined;
  #tick: NodeJS.Timeout | undefined;
  #calm: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #reached: { readonly version: MemberVersion; readonly resolve: () => void }[] = [];
  #isClosed = false;

  constructor(options: RoomWatchOptions) {
    this.#options = options;
  }

  get copy(): RoomCopy | undefined {
    return this.#copy;
  }

  /** Reads the list where there is none. The channel must be confirmed before. Throws UNAVAILABLE. */
  async open(): Promise<void> {
    if (this.#copy === undefined) await this.#read();
  }

  receive(frame: PresenceFrame): void {
    if (this.#copy === undefined || this.#reading !== undefined) {
      if (this.#frames.length < waitingFrames) this.#frames.push(frame);
    } else this.#take(frame);
    this.#options.onHead({ epoch: frame.epoch, n: frame.n }, [frame.by]);
  }

  /** Something was missed, or may have been: reads the list again. */
  reread(): void {
    if (this.#copy === undefined || this.#isClosed) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#read().catch(() => this.#rereadLater());
    }, Math.random() * rereadSpreadMs).unref();
  }

  /** The data of Redis were lost: nobody is told anything until the instances have restored their members. */
  beginCalm(): void {
    clearTimeout(this.#calm);
    clearTimeout(this.#tick);
    this.#tick = undefined;
    this.#calm = setTimeout(() => {
      this.#calm = undefined;
      this.#isDue = "whole";
      this.reread();
    }, this.#options.calmMs).unref();
  }

  get isCalm(): boolean {
    return this.#calm !== undefined;
  }

  /** Where the room stands, as another source says: a frame may have been lost. */
  compare(head: RoomHead): void {
    const copy = this.#copy;
    if (copy === undefined || this.#reading !== undefined || this.#frames.length > 0) return;
    const { epoch, n } = head.version;
    if (copy.version.epoch !== epoch || copy.version.n < n) this.reread();
  }

  /** Resolves when the copy has a version of the same epoch, or after a moment. */
  async reaches(version: MemberVersion, withinMs: number): Promise<void> {
    if (this.#has(version)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs).unref();
      this.#reached.push({
        version,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      });
    });
  }

  /** What a client that joins is told; `known` is what it knows from before. */
  viewFor(known: MemberVersion | undefined): JoinedView | undefined {
    const copy = this.#copy;
    if (copy === undefined) return undefined;
    // What is missing in the calm may come back in a moment: a client that knows a list keeps it.
    if (this.isCalm && known !== undefined) return { copy, isWhole: false, missed: undefined };
    const missed = known === undefined ? undefined : this.#recent.after(known, copy);
    return { copy, isWhole: copy.mode === "members" && missed === undefined, missed };
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#tick);
    clearTimeout(this.#calm);
    clearTimeout(this.#retry);
  }

  #has({ epoch, n }: MemberVersion): boolean {
    const version = this.#copy?.version;
    return version !== undefined && version.epoch === epoch && version.n >= n;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readList().finally(() => {
      this.#reading = undefined;
      for (const frame of this.#frames.splice(0)) this.#take(frame);
    });
    return this.#reading;
  }

  async #readList(): Promise<void> {
    const { head, members } = await this.#options.read();
    const { version, count, mode } = head;
    const before = this.#copy?.version;
    if (before?.epoch === version.epoch && before.n > version.n) return;
    const entries = new Map(members.map(({ entry }) => [entry.member.session, entry] as const));
    this.#setCopy({ version, count, mode, entries });
    this.#recent.begin(version);
    this.#options.onHead(version, new Set(members.flatMap(({ instances }) => instances)));
    if (before === undefined) this.#told = wholeNotice({ version, count, mode, entries }).told;
    else {
      this.#isDue = "whole";
      this.#schedule();
    }
  }

  #take(frame: PresenceFrame): void {
    const copy = this.#copy;
    if (copy === undefined) return;
    const step = judgeFrame(copy, frame);
    if (step === "old") return;
    if (step !== "take") {
      this.reread();
      return;
    }
    this.#recent.add(frame);
    this.#setCopy(takeFrame(copy, frame));
    if (this.#told !== undefined) this.#told = touch(this.#told, frame);
    this.#schedule();
  }

  #setCopy(copy: RoomCopy): void {
    this.#copy = copy;
    this.#reached = this.#reached.filter(({ version, resolve }) => {
      if (!this.#has(version)) return true;
      resolve();
      return false;
    });
  }

  #rereadLater(): void {
    if (this.#isClosed) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.reread();
    }, retryMs).unref();
  }

  #schedule(): void {
    const copy = this.#copy;
    if (copy === undefined || this.isCalm || this.#isClosed) return;
    const delayMs = copy.count <= smallRoomMembers ? smallRoomTickMs : largeRoomTickMs;
    this.#tick ??= setTimeout(() => this.#tellChanges(), delayMs).unref();
  }

  #tellChanges(): void {
    this.#tick = undefined;
    const copy = this.#copy;
    if (copy === undefined || this.#told === undefined) return;
    const told = this.#isDue === "whole" ? wholeNotice(copy) : fold(this.#told, copy);
    this.#isDue = "fold";
    if (told === undefined) return;
    this.#told = told.told;
    this.#options.tell([...this.watchers], told.notice);
    if (told.told.touched.size > 0) this.#schedule();
  }
}
