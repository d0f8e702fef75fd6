/** A state of a room's members. Numbers compare within an epoch only. */
export interface MemberVersion {
  readonly epoch: string;
  readonly n: number;
}

/** `<epoch>-<n>`, as it travels. */
export function versionText({ epoch, n }: MemberVersion): string {
  return `${epoch}-${n}`;
}

/** What `versionText` made, or undefined for anything else. */
export function parseVersion(text: string): MemberVersion | undefined {
  const [, epoch, n] = /^([a-z0-9]{1,16})-(\d{1,15})$/.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, n: Number(n) };
}
