// An application whose messages are records: any JSON object. As with the one that ships, its settings come from the environment.
import { start } from "@holdfast/server";

const anything = { "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) } };
await start({ contract: { messages: { record: anything } } });
