/** A mistake on the command line: its message is for the user, a stack would not help. */
export class UsageError extends Error {}
