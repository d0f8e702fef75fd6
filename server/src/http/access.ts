/** Which of the HTTP routes exist, and whether they let everybody do everything. */
export interface HttpAccess {
  /** On a developer's machine without an ADMIN_TOKEN, a request without a token may do everything. */
  readonly isOpen: boolean;
  /** In production somebody must be able to prove who he is: a back end by ADMIN_TOKEN, or a user. */
  readonly hasRoomApi: boolean;
  readonly hasAdminApi: boolean;
}

export function httpAccess(
  { production, adminToken }: { readonly production: boolean; readonly adminToken: string | undefined },
  hasUsers: boolean,
): HttpAccess {
  const hasAdminToken = adminToken !== undefined;
  const isOpen = !production && !hasAdminToken;
  return { isOpen, hasRoomApi: isOpen || hasAdminToken || hasUsers, hasAdminApi: isOpen || hasAdminToken };
}
