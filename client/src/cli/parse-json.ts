import { usageError } from "./refusal.ts";

/** Reads what a command line or a line of input says in JSON. Throws a Refusal that names `where`. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(
      `${where} is not JSON: ${reason}`,
      `Quote it for the shell: '{"text":"hello"}'; a text is '"hello"'.`,
    );
  }
}
