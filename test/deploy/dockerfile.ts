/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In capitals, e.g. `COPY`. */
  readonly name: string;
  /** Everything behind the name, with the line's continuation joined. */
  readonly text: string;
}

/** The instructions of a Dockerfile in order, without its comments. Heredocs are not understood. */
export function parseDockerfile(content: string): Instruction[] {
  return content
    .split("\n")
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join("\n")
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .map((line) => {
      const [, name = "", text = ""] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name: name.toUpperCase(), text: text.trim() };
    });
}

/** The one instruction of that name. */
export function only(instructions: readonly Instruction[], name: string): string {
  const found = instructions.filter((instruction) => instruction.name === name);
  const [instruction] = found;
  if (instruction === undefined || found.length > 1) throw new Error(`expected one ${name}, got ${found.length}`);
  return instruction.text;
}
