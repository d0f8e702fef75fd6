/**
 * What is there as long as something holds it: gives the function that holds it, which returns what lets go. Letting go
 * counts a moment later, because StrictMode and a hot reload end every effect and begin it again at once.
 */
export function lasting(begin: () => void, end: () => void): () => () => void {
  let holds = 0;
  return () => {
    if (!holds++) begin();
    return () => {
      setTimeout(() => {
        if (!--holds) end();
      });
    };
  };
}
