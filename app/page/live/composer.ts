const typingToldEveryMs = 1_000;

/** The field for a message: Enter sends it, Shift and Enter begin a line. */
export function createComposer(
  form: HTMLFormElement,
  field: HTMLTextAreaElement,
  { send, typing }: { send: (text: string) => void; typing: () => void },
): void {
  let toldMs = 0;
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
  field.addEventListener("input", () => {
    grow();
    if (field.value.trim() === "" || Date.now() - toldMs < typingToldEveryMs) return;
    toldMs = Date.now();
    typing();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text === "") return;
    field.value = "";
    toldMs = 0;
    grow();
    send(text);
    field.focus();
  });
}
