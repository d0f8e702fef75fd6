import * as fc from "fast-check";

/** The same inputs for the same seed. */
export function sample<Input>(inputs: fc.Arbitrary<Input>, seed: number, count: number): Input[] {
  return fc.sample(inputs, { seed, numRuns: count });
}

/** Most of the time one of the usual ones, from time to time one that costs more to send. */
export function seldom<Input>(usual: fc.Arbitrary<Input>, costly: fc.Arbitrary<Input>): fc.Arbitrary<Input> {
  return fc.oneof({ weight: 60, arbitrary: usual }, { weight: 1, arbitrary: costly });
}
