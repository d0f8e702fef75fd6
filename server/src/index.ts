/// <reference types="node" preserve="true" />
export type {
  Application,
  Asker,
  AskingConnection,
  AuthenticatedUser,
  HookContext,
  PublishAttempt,
  PublishedMessages,
  Routes,
} from "./application/application.ts";
export type { Logger } from "./application/logger.ts";
export type { Server } from "./application/server.ts";
export type { AuthorizeQuestion, Credentials } from "./auth/identity.ts";
export { createServer, type ServerOptions } from "./create-server.ts";
export { RequestError } from "./errors.ts";
export { type Settings, SettingsError, settingsFrom } from "./settings.ts";
export { start } from "./start.ts";
export type { TelemetryEvents } from "./telemetry/events.ts";
