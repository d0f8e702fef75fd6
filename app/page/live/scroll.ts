import { looked } from "../state/reading.ts";
import type { Store } from "../state/state.ts";

/** So near to the end, the list follows what comes. */
const endPixels = 48;
/** So near to its beginning, older messages are read. */
const beginningPixels = 400;

/** Keeps the reader's place in the list: at its end it follows, anywhere else what is looked at stays where it is. */
export function createScroll(log: HTMLElement, list: HTMLElement, store: Store, wantsOlder: () => void) {
  const toEnd = () => {
    log.scrollTop = log.scrollHeight;
  };
  const look = () => {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < endPixels;
    if (isAtEnd !== store.state.reading.isAtEnd)
      store.update(({ reading }) => ({ reading: looked(reading, { isAtEnd }) }));
    askForOlder();
  };
  const askForOlder = () => {
    if (store.state.timeline.older === "more" && log.scrollTop < beginningPixels) wantsOlder();
  };
  log.addEventListener("scroll", look, { passive: true });
  // The keyboard of a phone, a longer message field, a turned screen.
  new ResizeObserver(() => {
    if (store.state.reading.isAtEnd) toEnd();
  }).observe(log);
  const see = () => store.update(({ reading }) => ({ reading: looked(reading, { isSeen: !document.hidden }) }));
  document.addEventListener("visibilitychange", see);
  see();

  return {
    toEnd,
    /** Draws the list, and puts back what the reader looks at. */
    around(draw: () => void): void {
      const isAtEnd = store.state.reading.isAtEnd;
      const top = log.getBoundingClientRect().top;
      const anchor = isAtEnd ? undefined : [...list.children].find((row) => row.getBoundingClientRect().bottom > top);
      const beforePixels = anchor?.getBoundingClientRect().top ?? 0;
      draw();
      if (isAtEnd) toEnd();
      else if (anchor?.isConnected === true) log.scrollTop += anchor.getBoundingClientRect().top - beforePixels;
      askForOlder();
    },
  };
}
