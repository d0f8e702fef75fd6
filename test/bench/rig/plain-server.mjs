// What Holdfast is compared with: the server that Socket.IO's documentation shows, on one of its Redis adapters. It
// understands the same two requests, so that the same clients can talk to both.
import { createServer } from "node:http";
import { createAdapter as createClassicAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { jwtVerify } from "jose";
import { createClient } from "redis";
import { Server } from "socket.io";

const { PORT, REDIS_URL, ADAPTER = "dynamic", TOKEN_SECRET } = process.env;

async function connectRedis() {
  const client = createClient({ url: REDIS_URL });
  client.on("error", (error) => console.error(error));
  return client.connect();
}

async function createAdapter() {
  if (ADAPTER === "streams") return createStreamsAdapter(await connectRedis());
  const [publisher, subscriber] = await Promise.all([connectRedis(), connectRedis()]);
  if (ADAPTER === "classic") return createClassicAdapter(publisher, subscriber);
  return createShardedAdapter(publisher, subscriber, { subscriptionMode: ADAPTER });
}

const httpServer = createServer((request, response) => {
  response.statusCode = request.url === "/readyz" ? 200 : 404;
  response.end();
});
const io = new Server(httpServer, {
  transports: ["websocket"],
  serveClient: false,
  perMessageDeflate: false,
  adapter: await createAdapter(),
  ...(ADAPTER === "streams" ? { connectionStateRecovery: {} } : {}),
});

if (TOKEN_SECRET !== undefined) {
  const key = new TextEncoder().encode(TOKEN_SECRET);
  io.use((socket, next) => {
    jwtVerify(socket.handshake.auth.token, key, { algorithms: ["HS256"] }).then(({ payload }) => {
      socket.data.user = payload.sub;
      next();
    }, next);
  });
}

io.on("connection", (socket) => {
  const from = { user: null, session: socket.handshake.auth.session ?? null };
  socket.on("room:join", async ({ room }, acknowledge) => {
    await socket.join(room);
    acknowledge({ ok: true, data: {} });
  });
  socket.on("presence:list", async ({ room }, acknowledge) => {
    const sockets = await io.in(room).fetchSockets();
    const members = sockets.map(({ handshake }) => ({ user: null, session: handshake.auth.session, state: null }));
    acknowledge({ ok: true, data: { members } });
  });
  socket.on("message:publish", ({ room, id, event, data }, acknowledge) => {
    io.to(room).emit("message", { id, event, data, from, sentAtMs: Date.now() });
    acknowledge({ ok: true, data: {} });
  });
});

httpServer.listen(Number(PORT), "0.0.0.0");
process.on("SIGTERM", () => process.exit());
