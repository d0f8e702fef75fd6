/** How far the user has read. */
export interface Reading {
  /** The list is scrolled to its end. */
  readonly isAtEnd: boolean;
  /** The tab is the one that is looked at. */
  readonly isSeen: boolean;
  readonly unread: number;
  /** The first message that came unseen; a line stands before it until the user says something. */
  readonly firstUnread: string | undefined;
}

export const allRead: Reading = { isAtEnd: true, isSeen: true, unread: 0, firstUnread: undefined };

/** A message of somebody else has come live. */
export function arrived(reading: Reading, id: string): Reading {
  if (reading.isAtEnd && reading.isSeen) return reading;
  const firstUnread = reading.unread === 0 ? id : reading.firstUnread;
  return { ...reading, unread: reading.unread + 1, firstUnread };
}

/** The user has scrolled, or has come back to the tab. */
export function looked(reading: Reading, seen: Partial<Pick<Reading, "isAtEnd" | "isSeen">>): Reading {
  const now = { ...reading, ...seen };
  return now.isAtEnd && now.isSeen ? { ...now, unread: 0 } : now;
}

/** The user has said something, and so has read what came before. */
export function answered(reading: Reading): Reading {
  return { ...reading, unread: 0, firstUnread: undefined };
}
