import { start } from "@holdfast/server";
import { contract } from "./contract.ts";
import page from "./page/index.html";
import { requests } from "./requests.ts";

// The application that ships, and the example of one: a contract, a page, and what the page asks the server. Settings come
// from the environment.
await start({ contract, page, requests });
