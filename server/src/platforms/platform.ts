/** How a platform tells how long a connection may last: in a header of each request, by a variable, or not at all. */
interface PlatformLifetime {
  readonly header?: { readonly name: string; readonly unitMs: number };
  /** A variable of the platform's own with the number of seconds. */
  readonly variable?: string;
  /** What counts where neither the platform nor FUNCTION_TIMEOUT_SECONDS tells it: the platform's default. */
  readonly assumedSeconds?: number;
  /** No connection lives longer, whatever is told. */
  readonly longestSeconds: number;
}

/** What a platform does before it ends an instance. Undefined where nothing is known of a sign. */
type StopSign = "GET /pre-stop" | "SIGTERM" | "SIGINT";

/** What the server knows of a platform: one row of the table. */
export interface Platform {
  /** What people call it. */
  readonly title: string;
  /** The variable that proves that the process runs there. Its users cannot be asked: a header could be anybody's. */
  readonly provenBy: { readonly variable: string; readonly value?: string } | undefined;
  /** What the platform calls this instance in its own logs. */
  readonly instanceVariable?: string;
  /** What the platform calls the deployment that this instance is of. */
  readonly buildVariable?: string;
  /**
   * Whether whatever runs there is open to the world, and therefore in production even where NODE_ENV was forgotten. Pods
   * of Kubernetes are also where developers try things out.
   */
  readonly isPublic: boolean;
  /** The port on which it expects the server, where no variable says it. */
  readonly port: number;
  /** Undefined where connections live as long as the instance. */
  readonly lifetime?: PlatformLifetime;
  readonly stop: StopSign | undefined;
  /** From the sign to the end of the process by force. Undefined where it is not known. */
  readonly graceSeconds?: number;
  /** DRAIN_SECONDS, unless set. The process has closed everything before the grace is over. */
  readonly drainSeconds: number;
  /** Whether an instance without requests is frozen, or gets next to no processor: then a sleep is nothing unusual. */
  readonly pausesBetweenRequests: boolean;
  /** The header that names a request in the platform's own logs. */
  readonly requestIdHeader?: string;
}
