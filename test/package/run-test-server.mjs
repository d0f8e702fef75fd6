// What a test file of an application does, in a process that must end by itself afterwards.
import { createTestServer } from "@holdfast/server/testing";

const anything = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
const rig = await createTestServer({ contract: { messages: { note: anything } } });
const ann = await rig.connect({ user: "ann" });
const room = ann.join("notes");
await room.publish("note", { text: "good morning" });
await rig.move();
await rig.cut();
await rig.loseData();
await rig.expire("ann");
await rig[Symbol.asyncDispose]();
console.log("closed");
