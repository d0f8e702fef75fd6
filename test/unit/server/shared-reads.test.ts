import { expect, test } from "vitest";
import { BoundedReads } from "../../../server/src/log/bounded-reads.ts";
import { SharedReads } from "../../../server/src/log/shared-reads.ts";

/** Reads that wait until the test answers them. */
function heldReads() {
  const reads: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const read = () => new Promise<string>((resolve, reject) => reads.push({ resolve, reject }));
  return { reads, read };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a reader never shares a read that started before it asked", async () => {
  const { reads, read } = heldReads();
  const shared = new SharedReads<string>();
  const first = shared.share("lobby", read);
  const late = shared.share("lobby", read);
  expect(reads).toHaveLength(1);
  reads[0]?.resolve("before");
  expect(await first).toBe("before");
  await turn();
  expect(reads).toHaveLength(2);
  reads[1]?.resolve("after");
  expect(await late).toBe("after");
});

test("a thousand equal readers cost two reads", async () => {
  const { reads, read } = heldReads();
  const shared = new SharedReads<string>();
  const answers = Array.from({ length: 1000 }, () => shared.share("lobby", read));
  reads[0]?.resolve("first");
  await answers[0];
  await turn();
  reads[1]?.resolve("second");
  const values = await Promise.all(answers);
  expect(values.filter((value) => value === "second")).toHaveLength(999);
  expect(reads).toHaveLength(2);
});

test("a caller that asks while the next read is running waits for the one after it", async () => {
  const { reads, read } = heldReads();
  const shared = new SharedReads<string>();
  void shared.share("lobby", read);
  const second = shared.share("lobby", read);
  reads[0]?.resolve("1");
  await turn();
  const third = shared.share("lobby", read);
  expect(reads).toHaveLength(2);
  reads[1]?.resolve("2");
  expect(await second).toBe("2");
  await turn();
  reads[2]?.resolve("3");
  expect(await third).toBe("3");
});

test("different reads do not wait for each other", () => {
  const { reads, read } = heldReads();
  const shared = new SharedReads<string>();
  void shared.share("lobby after 1", read);
  void shared.share("lobby after 2", read);
  expect(reads).toHaveLength(2);
});

test("a failed read rejects for those who shared it and those who waited for it, and the next reader starts a new read", async () => {
  const { reads, read } = heldReads();
  const shared = new SharedReads<string>();
  const answers = [shared.share("lobby", read), shared.share("lobby", read), shared.share("lobby", read)];
  const settled = Promise.allSettled(answers);
  const failure = new Error("away");
  reads[0]?.reject(failure);
  expect(await settled).toEqual(answers.map(() => ({ status: "rejected", reason: failure })));
  expect(reads).toHaveLength(1);
  const next = shared.share("lobby", read);
  expect(reads).toHaveLength(2);
  reads[1]?.resolve("back");
  expect(await next).toBe("back");
});

test("a bounded number of reads runs at a time, and the others in the order in which they were asked for", async () => {
  const { reads, read } = heldReads();
  const shared = new SharedReads<string>(new BoundedReads(2));
  const answers = ["a", "b", "c", "d"].map((key) => shared.share(key, read));
  expect(reads).toHaveLength(2);
  reads[1]?.resolve("b");
  await turn();
  expect(reads).toHaveLength(3);
  reads[2]?.resolve("c");
  await turn();
  expect(reads).toHaveLength(4);
  reads[0]?.resolve("a");
  reads[3]?.resolve("d");
  expect(await Promise.all(answers)).toEqual(["a", "b", "c", "d"]);
});

test("a read that waits for its turn is shared with callers that ask for the same, and not once it runs", async () => {
  const { reads, read } = heldReads();
  const shared = new SharedReads<string>(new BoundedReads(1));
  void shared.share("other", read);
  const waiting = [shared.share("lobby", read), shared.share("lobby", read)];
  expect(reads).toHaveLength(1);
  reads[0]?.resolve("other");
  await turn();
  expect(reads).toHaveLength(2);
  const late = shared.share("lobby", read);
  reads[1]?.resolve("before");
  expect(await Promise.all(waiting)).toEqual(["before", "before"]);
  await turn();
  expect(reads).toHaveLength(3);
  reads[2]?.resolve("after");
  expect(await late).toBe("after");
});

test("a read that fails gives its turn to the next one", async () => {
  const { reads, read } = heldReads();
  const shared = new SharedReads<string>(new BoundedReads(1));
  const failed = expect(shared.share("a", read)).rejects.toThrow("away");
  const next = shared.share("b", read);
  reads[0]?.reject(new Error("away"));
  await failed;
  await turn();
  reads[1]?.resolve("b");
  expect(await next).toBe("b");
});
