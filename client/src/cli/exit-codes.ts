/** What the command line ends with, and what each code says. */
export const exitCodes = {
  /** All that was asked for was done. */
  fine: 0,
  /** It was refused, or has failed; `doctor` and `bench`: something is wrong. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** Nothing that could be talked to answers at the address. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
