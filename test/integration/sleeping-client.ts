import { connect } from "@holdfast/client";
import { createToken } from "../../server/src/auth/create-token.ts";

// A client in a process of its own, which a test stops. It prints what it hears, and each token that it is asked for.

const { SERVER_URL = "", TOKEN_SECRET: secret = "" } = process.env;

const client = connect(SERVER_URL, {
  token: () => {
    console.log("token");
    return createToken({ secret, user: "ann", rooms: { "*": "read write" }, expiresInSeconds: 3 });
  },
});
client.on("status", (status) => console.log(status));
const room = client.join("lobby");
room.on("message", ({ data }) => console.log(`heard ${data}`));
room.on("gap", () => console.log("gap"));
void room.ready.then(() => console.log("ready"));
