/** Runs a call for each item, so many at a time; rejects with the first that fails. */
export async function atATime<Item>(
  most: number,
  items: readonly Item[],
  call: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async () => {
    for (;;) {
      const index = next;
      const item = items[index];
      next += 1;
      if (item === undefined) return;
      await call(item, index);
    }
  };
  await Promise.all(Array.from({ length: most }, run));
}
