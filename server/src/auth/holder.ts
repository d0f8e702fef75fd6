/** Whom a limit is counted for: the user; without one the session; and all who have neither together. */
export function holderOf({ user, session }: { readonly user: string | null; readonly session: string | null }): string {
  return user === null ? `session ${session ?? ""}` : `user ${user}`;
}
