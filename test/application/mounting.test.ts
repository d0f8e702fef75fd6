import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { TestApplication } from "../support/application-rig.ts";
import { startAttached, startHost, talk, text } from "../support/host-server.ts";
import { RawClient } from "../support/raw-websocket.ts";

/** For a server that is expected to complain. */
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe("attached to a host's server", () => {
  test("only the upgrades of its path are taken; other upgrades, requests and settings stay the host's", async () => {
    await using host = await startHost((request, response) => response.end(`host ${request.url}`));
    const listenersBefore = host.http.listenerCount("request");
    await using attached = await startAttached({ httpServer: host.http });
    expect(attached.server.port).toBe((host.http.address() as AddressInfo).port);
    await talk(host.url);
    expect(await host.greeting("/hmr")).toBe("hello from the host");
    expect(await text(`${host.url}/healthz`)).toBe("host /healthz");
    expect(await text(`${host.url}/socket.io/?EIO=4&transport=polling`)).toContain("host /socket.io/");
    expect(host.http.listenerCount("request")).toBe(listenersBefore);
    expect(host.http.keepAliveTimeout).toBe(1_234);
  });

  test("close ends its own connections, also those of silent clients, and nothing of the host's", async () => {
    await using host = await startHost((_request, response) => response.end("host"));
    await using attached = await startAttached({ httpServer: host.http });
    const hostSocket = new WebSocket(`${host.url.replace("http", "ws")}/hmr`);
    await once(hostSocket, "message");
    using client = new RawClient(host.url, {});
    await client.connected;
    client.pause();
    const upgradesBefore = host.http.listenerCount("upgrade");
    await attached.server.close();
    expect(host.http.listenerCount("upgrade")).toBe(upgradesBefore - 1);
    expect(host.http.listening).toBe(true);
    expect(await text(host.url)).toBe("host");
    const pong = once(hostSocket, "pong");
    hostSocket.ping();
    await pong;
    hostSocket.terminate();
    await attached.server.close();
  });

  test("an upgrade at another path is refused where the host handles none, and left to the host where it does", async () => {
    await using host = await startHost((_request, response) => response.end("host"), { webSockets: false });
    await using attached = await startAttached({ httpServer: host.http });
    expect(await host.greeting("/elsewhere")).toContain("404");
    await talk(attached.server.url);
    host.http.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 418 I'm a teapot\r\n\r\n"));
    expect(await host.greeting("/elsewhere")).toContain("418");
  });

  test("two servers share a host by their paths, and a path is taken once", async () => {
    await using host = await startHost((_request, response) => response.end("host"), { webSockets: false });
    await using one = await startAttached({ httpServer: host.http, path: "/one" });
    await using two = await startAttached({ httpServer: host.http, path: "/two/" });
    await talk(host.url, { path: "/one" });
    await talk(host.url, { path: "/two" });
    expect(await host.greeting("/socket.io/")).toContain("404");
    await expect(startAttached({ httpServer: host.http, path: "one" })).rejects.toThrow("/one/");
    await one.server.close();
    await talk(host.url, { path: "/two" });
    expect(two.server.port).toBeGreaterThan(0);
  });

  test("a host that listens later has no port until then", async () => {
    const http = createHttpServer();
    await using attached = await startAttached({ httpServer: http });
    expect(attached.server.port).toBe(0);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    await talk(`http://127.0.0.1:${attached.server.port}`);
    http.close();
  });
});

describe("mounted into", () => {
  const application: TestApplication = { routes: () => new Hono().get("/polls", (context) => context.text("polls")) };

  test("a plain node:http server, its routes answer beside the host's", async () => {
    const mounted: RequestListener[] = [];
    await using host = await startHost((request, response) => {
      if (request.url?.startsWith("/rooms/") === true) mounted[0]?.(request, response);
      else response.end("host");
    });
    await using attached = await startAttached({ httpServer: host.http });
    mounted.push(attached.server.nodeListener);
    const posted = await fetch(`${host.url}/rooms/lobby/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: "from-http", event: "note:added", data: { text: "hi" } }),
    });
    expect(posted.status).toBe(201);
    expect(await text(`${host.url}/anything`)).toBe("host");
    await talk(host.url);
  });

  test("a Hono app under a prefix", async () => {
    const app = new Hono().get("/", (context) => context.text("host"));
    await using host = await startHost(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
    await using attached = await startAttached({ httpServer: host.http }, application);
    app.mount("/realtime", attached.server.fetch);
    expect(await text(host.url)).toBe("host");
    expect(JSON.parse(await text(`${host.url}/realtime/healthz`))).toEqual({ status: "ok", redis: "up" });
    expect(await text(`${host.url}/realtime/polls`)).toBe("polls");
    expect(await host.greeting("/hmr")).toBe("hello from the host");
    await talk(host.url);
  });

  test("an Express app under a prefix", async () => {
    const app = express();
    await using host = await startHost(app);
    await using attached = await startAttached({ httpServer: host.http }, application);
    app.use("/realtime", attached.server.nodeListener);
    app.get("/", (_request, response) => void response.send("host"));
    expect(await text(host.url)).toBe("host");
    expect(JSON.parse(await text(`${host.url}/realtime/healthz`))).toEqual({ status: "ok", redis: "up" });
    expect(await text(`${host.url}/realtime/polls`)).toBe("polls");
    expect(await host.greeting("/hmr")).toBe("hello from the host");
    await talk(host.url);
  });
});

describe("routes of the application", () => {
  test("are asked where no route of Holdfast's matches, and their 404 falls through to the page", async () => {
    const asked: string[] = [];
    await using attached = await startAttached(
      { logger: silent },
      {
        page: "<p>the page</p>",
        routes: (server) => ({
          fetch: async (request) => {
            const { pathname } = new URL(request.url);
            asked.push(`${request.method} ${pathname}`);
            if (pathname === "/history") return Response.json(await server.history("lobby"));
            if (pathname === "/echo") return new Response(await request.text(), { status: 202 });
            if (pathname === "/rooms/open") return new Response("lobby");
            if (pathname === "/broken") throw new Error("the application's own trouble");
            return new Response("not mine", { status: 404 });
          },
        }),
      },
    );
    const { url } = attached.server;
    expect(JSON.parse(await text(`${url}/history`))).toMatchObject({ messages: [], position: "0-0" });
    const echo = await fetch(`${url}/echo`, { method: "POST", body: "said" });
    expect([echo.status, await echo.text()]).toEqual([202, "said"]);
    expect(await text(`${url}/rooms/open`)).toBe("lobby");
    expect(await text(url)).toBe("<p>the page</p>");
    const missing = await fetch(`${url}/missing`);
    expect([missing.status, await missing.json()]).toMatchObject([404, { error: { code: "NOT_FOUND" } }]);
    expect((await fetch(`${url}/broken`)).status).toBe(500);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/rooms/lobby/messages`)).status).toBe(200);
    expect(asked).toEqual(["GET /history", "POST /echo", "GET /rooms/open", "GET /", "GET /missing", "GET /broken"]);
  });
});

describe("the end of a server", () => {
  test("is one however often it is asked for, and `await using` asks for it", async () => {
    await using host = await startHost((_request, response) => response.end("host"));
    let url: string;
    {
      await using attached = await startAttached({});
      await using server = attached.server;
      url = server.url;
      await Promise.all([server.close(), server.close()]);
    }
    await expect(fetch(url)).rejects.toThrow();
    expect(await text(host.url)).toBe("host");
  });
});
