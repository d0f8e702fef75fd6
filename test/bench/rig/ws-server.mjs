// What somebody writes who takes no library: a WebSocket server with rooms, and a channel of Redis for each of them. It
// keeps nothing and promises nothing, and is about the least that a delivery can cost in Node.js. Its packets are framed
// as Socket.IO frames them, so that the same clients can talk to it.
import { createServer } from "node:http";
import { createClient } from "redis";
import { WebSocket, WebSocketServer } from "ws";

const { PORT, REDIS_URL } = process.env;
const PING_INTERVAL_MS = 25_000;

async function connectRedis() {
  const client = createClient({ url: REDIS_URL });
  client.on("error", (error) => console.error(error));
  return client.connect();
}

const [publisher, subscriber] = await Promise.all([connectRedis(), connectRedis()]);
/** Room -> those of its members that are connected here. */
const rooms = new Map();

async function join(socket, room) {
  const known = rooms.get(room);
  if (known !== undefined) {
    known.add(socket);
    return;
  }
  const members = new Set([socket]);
  rooms.set(room, members);
  const deliver = (packet) => {
    for (const member of members) if (member.readyState === WebSocket.OPEN) member.send(packet, { binary: false });
  };
  await subscriber.subscribe(room, deliver, true);
}

async function leave(socket, room) {
  const members = rooms.get(room);
  members?.delete(socket);
  if (members === undefined || members.size > 0) return;
  rooms.delete(room);
  await subscriber.unsubscribe(room);
}

const requests = {
  "room:join": async (socket, { room }) => {
    socket.rooms.add(room);
    await join(socket, room);
  },
  "message:publish": async (socket, { room, id, event, data }) => {
    const message = { id, event, data, from: { user: null, session: socket.session }, sentAtMs: Date.now() };
    await publisher.publish(room, `42${JSON.stringify(["message", message])}`);
  },
};

async function take(socket, text) {
  if (text.startsWith("40")) {
    socket.session = JSON.parse(text.slice(2) || "{}").session ?? null;
    socket.send('40{"sid":"0"}');
  }
  if (!text.startsWith("42")) return;
  const start = text.indexOf("[");
  const [event, payload] = JSON.parse(text.slice(start));
  await requests[event](socket, payload);
  socket.send(`43${text.slice(2, start)}[{"ok":true,"data":{}}]`);
}

const httpServer = createServer((request, response) => {
  response.statusCode = request.url === "/readyz" ? 200 : 404;
  response.end();
});
const server = new WebSocketServer({ server: httpServer, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.rooms = new Set();
  socket.on("message", (bytes) => void take(socket, bytes.toString()).catch((error) => console.error(error)));
  socket.on("close", () => {
    clearInterval(pings);
    for (const room of socket.rooms) void leave(socket, room).catch((error) => console.error(error));
  });
  const pings = setInterval(() => socket.send("2"), PING_INTERVAL_MS);
  socket.send(`0{"sid":"0","upgrades":[],"pingInterval":${PING_INTERVAL_MS},"pingTimeout":20000}`);
});

httpServer.listen(Number(PORT), "0.0.0.0");
process.on("SIGTERM", () => process.exit());
