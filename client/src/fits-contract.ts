import type { Contract } from "./contract.ts";
import { compareKinds, isOfKind } from "./room-kind.ts";

/**
 * For `connect(url, { fits: fitsContract(contract) })`: whether the data of a message is what the contract's schema says.
 * An event that the contract does not name fits, since a newer server may tell others.
 *
 * It asks whether a schema takes its own output. That is not so where a schema transforms: `z.string().transform(Number)`
 * refuses numbers.
 */
export function fitsContract(contract: Contract): (room: string, event: string, data: unknown) => boolean {
  const kinds = Object.keys(contract.rooms ?? {}).sort(compareKinds);
  return (room, event, data) => {
    const kind = kinds.find((pattern) => isOfKind(room, pattern));
    const { messages, serverMessages } = (kind !== undefined && contract.rooms?.[kind]) || contract;
    const schemas = { ...messages, ...serverMessages };
    if (!Object.hasOwn(schemas, event)) return true;
    const result = schemas[event]?.["~standard"].validate(data);
    return result !== undefined && !("then" in result) && result.issues === undefined;
  };
}
