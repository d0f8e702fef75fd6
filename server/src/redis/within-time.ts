/** The error of something that was not answered in time; it may still happen. */
export class Unanswered extends Error {}

/** Rejects with Unanswered when the promise is not settled in time; a later rejection of it is ignored. */
export async function withinTime<Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    // In a busy process the timer may be due while the answer waits to be read, so reading goes first.
    timer = setTimeout(() => setImmediate(() => reject(new Unanswered(`no answer within ${timeoutMs} ms`))), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
