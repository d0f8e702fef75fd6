import { start } from "@holdfast/server";
import { contract } from "./contract.ts";
import page from "./page/index.html";

// The application that ships, and the example of one: a contract and a page. Settings come from the environment.
await start({ contract, page });
