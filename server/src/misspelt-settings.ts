/** A variable that is none of the settings, and the setting that it looks like. */
export interface MisspeltSetting {
  readonly given: string;
  readonly meant: string;
}

/** In a name this short two other letters make another word: AUTH and PATH. */
const shortName = 7;

/**
 * The variables of an environment that are most likely misspelt settings: names that differ from a known one, which is not
 * set, in one letter, in a long name in two. Most variables of an environment belong to others, so nothing else can be said about them.
 */
export function misspeltSettings(
  env: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): readonly MisspeltSetting[] {
  const unset = known.filter((name) => !env[name]);
  return Object.keys(env).flatMap((given) => {
    if (known.includes(given)) return [];
    const meant = unset.find((name) => isWithin(name.length <= shortName ? 1 : 2, given, name));
    return meant === undefined ? [] : [{ given, meant }];
  });
}

/** Of a name that is none of the known ones, this share of the letters may be wrong for it to look like one of them. */
const wrongShare = 1 / 3;

/** The known name that an unknown one looks most like, whatever its case and its underscores; undefined where it looks like none. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const plain = (name: string) => name.replaceAll("_", "").toLowerCase();
  const distances = known.map((name) => ({ name, distance: editDistance(plain(given), plain(name)) }));
  const [nearest] = distances.sort((a, b) => a.distance - b.distance);
  return nearest !== undefined && nearest.distance <= nearest.name.length * wrongShare ? nearest.name : undefined;
}

/** Every start compares each variable with each setting: the length tells most of them apart. */
function isWithin(letters: number, from: string, to: string): boolean {
  return Math.abs(from.length - to.length) <= letters && editDistance(from, to, letters) <= letters;
}

/**
 * How many letters have to be inserted, taken away or replaced to make one text of the other (Levenshtein).
 *
 * @param atMost - above it any number above it will do
 */
function editDistance(from: string, to: string, atMost = Number.POSITIVE_INFINITY): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let index = 0; index < from.length; index += 1) {
    const next = [index + 1];
    for (let column = 0; column < to.length; column += 1) {
      const replaced = (row[column] ?? 0) + (from[index] === to[column] ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    // The distance never falls below the least of a row.
    const least = Math.min(...next);
    if (least > atMost) return least;
    row = next;
  }
  return row.at(-1) ?? 0;
}
