// What a cron function does: publishes, closes, and has nothing else to do.
import { createPublisher, settingsFrom } from "@holdfast/server/publisher";

const anything = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
const publisher = createPublisher({ contract: { messages: { note: anything } }, settings: settingsFrom(process.env) });
await publisher.publish(process.argv[2], "note", { text: "good morning" });
await publisher.close();
console.log("closed");
