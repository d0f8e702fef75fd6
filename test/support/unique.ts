import { randomBytes } from "node:crypto";

/** A `KEY_PREFIX` that no other test uses, so that tests share one Redis without seeing each other. */
export function uniquePrefix(): string {
  return `test-${randomBytes(6).toString("hex")}`;
}

/** A room that no other test uses. */
export function uniqueRoom(label = "room"): string {
  return `${label}-${randomBytes(6).toString("hex")}`;
}

/** A session as a client chooses it: 22 random URL-safe characters. */
export function sessionId(): string {
  return randomBytes(16).toString("base64url");
}

/** A message id as a publisher chooses it: 16 random URL-safe characters. */
export function messageId(): string {
  return randomBytes(12).toString("base64url");
}
