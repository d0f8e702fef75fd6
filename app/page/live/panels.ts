/** So wide, the panels stand beside the conversation; on a smaller screen one of them lies over it. */
const isWide = matchMedia("(min-width: 70rem)");

/** Opens and closes a panel by its button. */
export function createPanel(button: HTMLButtonElement, panel: HTMLElement): void {
  const show = (isOpen: boolean) => {
    button.setAttribute("aria-expanded", String(isOpen));
    panel.hidden = !isOpen;
  };
  const isOpen = () => button.getAttribute("aria-expanded") === "true";
  button.addEventListener("click", () => show(!isOpen()));
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || isWide.matches || !isOpen()) return;
    show(false);
    button.focus();
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (isWide.matches || !isOpen() || !(target instanceof Element)) return;
    if (!panel.contains(target) && !button.contains(target)) show(false);
  });
  isWide.addEventListener("change", ({ matches }) => show(matches));
  show(isWide.matches);
}
