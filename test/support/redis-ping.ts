import { connect } from "node:net";

/** True when a Redis on this port of loopback answers PING, and is not still loading its data. */
export function answersPing(port: number, timeoutMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(timeoutMs, () => settle(false));
    socket.on("error", () => settle(false));
    socket.on("close", () => settle(false));
    socket.on("connect", () => socket.write("PING\r\n"));
    socket.on("data", (answer) => settle(answer.toString().startsWith("+PONG")));
  });
}
