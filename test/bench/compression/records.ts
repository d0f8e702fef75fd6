import { readFileSync } from "node:fs";
import { pick, type Random, randomInteger } from "../../support/random.ts";

// What applications send, as JSON of about 1 KB. Ids, names, numbers and moments are random, as they are in practice; texts
// are sentences of this repository's documents, because English is not a random choice among a few words.

const documents = ["README.md", "ARCHITECTURE.md", "client/PROTOCOL.md", "server/README.md", "docs/comparison.md"];
const prose = documents
  .map((name) => readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8"))
  .flatMap((page) => page.replaceAll(/```[\s\S]*?```|\|.*\||[*_`#]|\([^)]*\)/g, " ").split(/(?<=[.:])\s+/))
  .map((sentence) => sentence.replaceAll(/\s+/g, " ").trim())
  .filter((sentence) => sentence.length > 20);

const kinds = [order, remark, stroke] as const;

/** A record of one of three kinds in turn. */
export function record(random: Random, number: number): Readonly<Record<string, unknown>> {
  return (kinds[number % kinds.length] ?? order)(random);
}

/** An order as a shop's back office shows it. */
function order(random: Random) {
  return {
    id: hex(random, 32),
    number: randomInteger(random, 100_000, 999_999),
    status: pick(random, ["open", "paid", "shipped", "cancelled"]),
    customer: {
      id: hex(random, 32),
      name: `${name(random)} ${name(random)}`,
      email: `${name(random)}@${name(random)}.example`.toLowerCase(),
      phone: `+49${randomInteger(random, 1e9, 9e9)}`,
    },
    createdAt: moment(random),
    updatedAt: moment(random),
    lines: Array.from({ length: 4 }, () => ({
      sku: hex(random, 10).toUpperCase(),
      title: `${name(random)} ${name(random)} ${name(random)}`,
      quantity: randomInteger(random, 1, 9),
      priceCents: randomInteger(random, 100, 100_000),
      taxRate: pick(random, [0.07, 0.19]),
    })),
    note: text(random, 300),
  };
}

/** A long remark in a discussion. */
function remark(random: Random) {
  return { author: name(random), thread: hex(random, 24), body: text(random, 930) };
}

/** A stroke on a board that is drawn together. */
function stroke(random: Random) {
  let [x, y] = [randomInteger(random, 0, 190_000), randomInteger(random, 0, 100_000)];
  const points = Array.from({ length: 38 }, () => {
    x += randomInteger(random, -900, 900);
    y += randomInteger(random, -900, 900);
    return { x: x / 100, y: y / 100 };
  });
  return { board: hex(random, 24), by: name(random), color: `#${hex(random, 6)}`, width: 2, points };
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => randomInteger(random, 0, 15).toString(16)).join("");
}

function name(random: Random): string {
  const letters = Array.from({ length: randomInteger(random, 4, 9) }, (_, index) =>
    pick(random, [...(index % 2 === 0 ? "bcdfghklmnprstvwz" : "aeiou")]),
  ).join("");
  return `${letters.slice(0, 1).toUpperCase()}${letters.slice(1)}`;
}

function moment(random: Random): string {
  return new Date(1.7e12 + randomInteger(random, 0, 1e11)).toISOString();
}

function text(random: Random, chars: number): string {
  let said = "";
  while (said.length < chars) said += ` ${pick(random, prose)}`;
  return said.slice(1, chars + 1);
}
