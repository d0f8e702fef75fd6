/** What the command line refuses to do; its message says why, and the next step. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
