import "./refresh.ts";

import { startTransition } from "react";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { refresh } from "./refresh.ts";
import { App, Notes, type Scene } from "./scene.tsx";

// What a test calls in a browser's page.

let root: Root | undefined;
let arrive: (() => void) | undefined;
const container = document.querySelector("main") as HTMLElement;

const page = {
  show(scene: Scene): void {
    root ??= createRoot(container);
    root.render(<App {...scene} />);
  },
  /** With a part that is waited for until `arrive` is called. */
  showLate({ notes, ...scene }: Scene): void {
    const after = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    page.show({ ...scene, notes: notes.map((options) => ({ ...options, after })) });
  },
  arrive: () => arrive?.(),
  showInTransition: (scene: Scene) => startTransition(() => page.show(scene)),
  hydrate(scene: Scene): void {
    root = hydrateRoot(container, <App {...scene} />);
  },
  hide(): void {
    root?.unmount();
    root = undefined;
  },
  /** As an editor does that has changed the component. */
  reload: () => refresh(Notes, "Notes"),
};

export type ReactPage = typeof page;
Object.assign(window, { page });
