import * as runtime from "react-refresh/runtime";

// Has to be there before react-dom is.
runtime.injectIntoGlobalHook(window);

let versions = 0;

/** Replaces a component by another version of itself, as a bundler's hot reload does. */
export function refresh<Props>(component: (props: Props) => unknown, id: string): void {
  if (versions === 0) runtime.register(component, id);
  versions++;
  const version = String(versions);
  const changed = (props: Props) => {
    // So that a test sees which version was rendered.
    document.body.dataset.version = version;
    return component(props);
  };
  runtime.register(changed, id);
  runtime.performReactRefresh();
}
