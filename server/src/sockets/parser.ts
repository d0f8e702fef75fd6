import { Decoder, Encoder, PacketType, protocol } from "socket.io-parser";

/**
 * Binary attachments that one packet may announce. What is announced is kept until the last of them has come; one is
 * enough for a request with binary data to be answered.
 */
const maxAttachments = 1;

/** Events and acknowledgements, with binary attachments or without: packets that have a list for content. */
const typesWithList = /^[2356]/;

/** Socket.IO's decoder, which lets an event without content pass. What it throws closes the connection. */
class StrictDecoder extends Decoder {
  constructor() {
    super({ maxAttachments });
  }

  override add(packet: unknown): void {
    if (typeof packet === "string" && typesWithList.test(packet) && !packet.includes("[")) {
      throw new Error("expected a packet with a list for content");
    }
    super.add(packet);
  }
}

/** Socket.IO's own wire format, with nothing that could not be answered. */
export const parser = { protocol, PacketType, Encoder, Decoder: StrictDecoder };
