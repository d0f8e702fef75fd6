import type { Sample } from "../sample.ts";

/** What the page can say of its connection. */
export type Connection =
  | { readonly is: "connecting" }
  | { readonly is: "live"; readonly by: string }
  | { readonly is: "away"; readonly why: string }
  /** The server asks for ADMIN_TOKEN, and what was given, if anything, is not it. */
  | { readonly is: "unauthenticated" };

const againAfterMs = 1_000;
/** A sample comes every second: after such a silence nobody is there, although the connection is still open. */
const silenceMs = 6_000;

export interface SamplesOptions {
  readonly url: URL;
  /** Empty for none. */
  readonly token: string;
  readonly signal: AbortSignal;
  readonly onSamples: (samples: readonly Sample[]) => void;
  readonly onConnection: (connection: Connection) => void;
}

/**
 * Reads samples until the signal ends it, through as many connections as it takes: a platform cuts this one like any
 * other. EventSource would do that too, but sends no token.
 */
export async function readSamples(options: SamplesOptions): Promise<void> {
  const { signal, onConnection } = options;
  onConnection({ is: "connecting" });
  while (!signal.aborted) {
    let wasLive = false;
    const why = await readOnce({
      ...options,
      onConnection(connection) {
        wasLive = true;
        onConnection(connection);
      },
    }).catch(() => "no answer from the server");
    if (signal.aborted) return;
    if (why === "unauthenticated") return onConnection({ is: "unauthenticated" });
    // After a cut the next connection begins at once, so that not a second is missing.
    if (wasLive) continue;
    onConnection({ is: "away", why });
    await new Promise((resolve) => setTimeout(resolve, againAfterMs));
  }
}

/** Resolves with the reason when the connection has ended. */
async function readOnce({ url, token, signal, onSamples, onConnection }: SamplesOptions): Promise<string> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceMs);
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.any([signal, silence.signal]),
      headers: token === "" ? {} : { authorization: `Bearer ${token}` },
    });
    if (answer.status === 401) return "unauthenticated";
    if (!answer.ok || answer.body === null) return `the server answered with ${answer.status}`;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "the connection ended";
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      const events = (text + value).split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const { by, samples } = JSON.parse(event.replace(/^data: /, "")) as { by: string; samples: Sample[] };
        onConnection({ is: "live", by });
        onSamples(samples);
      }
    }
  } finally {
    clearTimeout(timer);
  }
}
