import type { ConnectOptions, Status } from "@holdfast/client";
import { type ChatClient, type ChatRoom, connectChat } from "../support/chat.ts";
import { type Recording, record, recordStatus } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";

interface CrowdMember {
  readonly client: ChatClient;
  readonly room: ChatRoom;
  readonly recording: Recording;
  readonly statuses: readonly Status[];
}

/** Clients of the package in one room, joined, with everything that each was told. */
export interface Crowd extends AsyncDisposable {
  readonly first: CrowdMember;
  readonly members: readonly CrowdMember[];
}

export async function gather(
  url: string,
  count: number,
  name = uniqueRoom(),
  options?: ConnectOptions,
): Promise<Crowd> {
  const members = Array.from({ length: count }, (): CrowdMember => {
    const client = connectChat(url, options);
    const statuses = recordStatus(client);
    const room = client.join(name);
    return { client, room, recording: record(room), statuses };
  });
  const [first] = members;
  if (first === undefined) throw new Error("expected at least one member");
  await Promise.all(members.map(({ room }) => room.ready));
  return {
    first,
    members,
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map(({ client }) => client.close()));
    },
  };
}
