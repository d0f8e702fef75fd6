import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { limits } from "../../../client/src/protocol/limits.ts";
import { FrameReader, type ReadFrame } from "../../support/frame-reader.ts";
import { opcodes, textFrame } from "../../support/raw-frames.ts";
import { sessionId } from "../../support/unique.ts";
import { withTimeout } from "../../support/wait.ts";
import { Inflated, type Stamp } from "./shared-inflating.ts";

const packets = { ping: "2", pong: "3" };

/** A member that reads a WebSocket's frames itself and offers permessage-deflate as Chromium does. */
export class WireMember {
  readonly #tcp: Socket;
  readonly #reader = new FrameReader();
  readonly #onMessages: (stamps: readonly Stamp[]) => void;
  readonly #answered: Promise<unknown>;
  #settle: ((answer: string) => void) | undefined;
  #inflated = new Inflated();
  /** What the upgrade's answer lacks to be whole. */
  #head = "";
  #isUpgraded = false;
  readonly #room: string;

  constructor(url: string, room: string, onMessages: (stamps: readonly Stamp[]) => void) {
    this.#room = room;
    this.#onMessages = onMessages;
    const { hostname, port } = new URL(url);
    this.#tcp = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#answered = new Promise<string>((resolve) => {
      this.#settle = resolve;
    });
    this.#tcp.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\n` +
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
    );
    this.#tcp.on("data", (bytes: Buffer) => this.#take(bytes));
  }

  get receivedBytes(): number {
    return this.#tcp.bytesRead;
  }

  /** Resolves when the member has joined its room. */
  async joined(): Promise<void> {
    const closed = once(this.#tcp, "close").then(() => "a closed connection");
    const answer = await withTimeout(Promise.race([this.#answered, closed]), "the answer to a join");
    if (typeof answer !== "string" || !answer.includes('"ok":true')) throw new Error(`expected a join, got ${answer}`);
  }

  #take(bytes: Buffer): void {
    if (this.#isUpgraded) {
      for (const frame of this.#reader.take(bytes)) this.#takeFrame(frame);
      return;
    }
    this.#head += bytes.toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n");
    if (end === -1) return;
    this.#isUpgraded = true;
    this.#take(Buffer.from(this.#head.slice(end + 4), "latin1"));
  }

  #takeFrame(frame: ReadFrame): void {
    if (frame.opcode !== opcodes.text) return;
    if (!frame.isDeflated && this.#takeSmall(frame.payload.toString("latin1", 0, 400))) return;
    const { stamps, next } = this.#inflated.read(frame);
    this.#inflated = next;
    if (stamps.length > 0) this.#onMessages(stamps);
  }

  /** The packets of Engine.IO and Socket.IO that are no event. */
  #takeSmall(packet: string): boolean {
    if (packet === packets.ping) this.#send(packets.pong);
    else if (packet.startsWith("0{"))
      this.#send(`40${JSON.stringify({ protocol: limits.protocolVersion, session: sessionId() })}`);
    else if (packet.startsWith("40")) this.#send(`420["room:join",${JSON.stringify({ room: this.#room })}]`);
    else if (packet.startsWith("430")) this.#settle?.(packet);
    else return false;
    return true;
  }

  #send(packet: string): void {
    this.#tcp.write(textFrame(packet));
  }
}
