import { expect, test } from "vitest";
import { httpAccess } from "../../../server/src/http/access.ts";

test.each([
  [false, false, false, { isOpen: true, hasRoomApi: true, hasAdminApi: true }],
  [false, true, false, { isOpen: false, hasRoomApi: true, hasAdminApi: true }],
  [true, false, false, { isOpen: false, hasRoomApi: false, hasAdminApi: false }],
  [true, false, true, { isOpen: false, hasRoomApi: true, hasAdminApi: false }],
  [true, true, false, { isOpen: false, hasRoomApi: true, hasAdminApi: true }],
])(
  "in production: %s, with ADMIN_TOKEN: %s, with users: %s, the routes over HTTP are %j",
  (production, hasToken, hasUsers, access) => {
    expect(httpAccess({ production, adminToken: hasToken ? "correct-horse-battery" : undefined }, hasUsers)).toEqual(
      access,
    );
  },
);
