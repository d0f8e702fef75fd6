import { request } from "node:http";
import { type Instance, instanceHost } from "./instance.ts";

/**
 * Sends the platform's own request (a hook or a health check) on a connection of its own, and resolves with the status
 * of the answer.
 *
 * @throws Error when no answer comes within `timeoutMs`, or the connection fails.
 */
export async function askInstance(
  instance: Instance,
  question: { method: "GET" | "POST"; path: string; headers: readonly string[]; timeoutMs: number },
): Promise<number> {
  const { method, path, timeoutMs } = question;
  const signal = AbortSignal.timeout(timeoutMs);
  const host = `${instanceHost}:${instance.port}`;
  const headers = ["Host", host, "Content-Length", "0", ...question.headers];
  return new Promise((resolve, reject) => {
    const asked = request({ host: instanceHost, port: instance.port, method, path, headers, agent: false, signal });
    asked.once("response", (answer) => {
      answer.resume();
      answer.once("error", reject).once("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.once("error", (error) => {
      reject(signal.aborted ? new Error(`${method} ${path} was not answered within ${timeoutMs} ms`) : error);
    });
    asked.end();
  });
}
