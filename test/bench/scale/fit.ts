/** A straight line: what there is without any, and what each one adds. */
export interface Fit {
  readonly base: number;
  readonly each: number;
}

/** The line that lies nearest to the points, by least squares; NaN of fewer than two different ones. */
export function fitLine(points: readonly { readonly x: number; readonly y: number }[]): Fit {
  const mean = (value: (point: { readonly x: number; readonly y: number }) => number) =>
    points.reduce((sum, point) => sum + value(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const each = mean(({ x, y }) => (x - meanX) * (y - meanY)) / mean(({ x }) => (x - meanX) ** 2);
  return { base: meanY - each * meanX, each };
}
