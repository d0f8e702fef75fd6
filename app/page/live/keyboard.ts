/** Arrows lead through the reactions of the messages; Escape closes what is open. */
export function watchKeyboard(list: HTMLElement, { closePicker }: { closePicker: () => void }): void {
  list.addEventListener("keydown", (event) => {
    const button = event.target;
    if (!(button instanceof HTMLButtonElement)) return;
    if (event.key === "Escape") closePicker();
    const target = neighbour(list, button, event.key);
    if (target === undefined) return;
    event.preventDefault();
    target.focus();
  });
}

function neighbour(list: HTMLElement, button: HTMLButtonElement, key: string): HTMLElement | undefined {
  const beside = key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : 0;
  const row = button.closest(".message");
  if (beside !== 0) return stepIn([...(row?.querySelectorAll("button") ?? [])], button, beside);
  const above = key === "ArrowUp" ? -1 : key === "ArrowDown" ? 1 : 0;
  if (above === 0) return undefined;
  const own = row?.querySelector<HTMLElement>(".react");
  return stepIn([...list.querySelectorAll<HTMLElement>(".react")], own, above);
}

function stepIn(
  all: readonly HTMLElement[],
  from: HTMLElement | null | undefined,
  step: number,
): HTMLElement | undefined {
  const at = from ? all.indexOf(from) : -1;
  return at === -1 ? undefined : all[at + step];
}
