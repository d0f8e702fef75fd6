/** The colours are those of the application's page and of the live view; the first series is always Holdfast. */
const series = {
  light: ["#0f766e", "#d9730d", "#2a78d6", "#c2417f", "#6a4bc4", "#a67c00", "#cf3f3e", "#3f7f2e"],
  dark: ["#4fd1c0", "#f08c3e", "#5aa2f5", "#ee77a8", "#a394f5", "#d9ac2c", "#f47a75", "#79bf5f"],
};

const colours = (palette: readonly string[]) =>
  palette.map((colour, index) => `--series-${index}: ${colour};`).join(" ");
const classes = series.light.map((_, index) => `.series-${index} { --tone: var(--series-${index}); }`).join("\n");

/** The page's whole style sheet. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f4f7f7; --surface: #fff; --raised: #eaf0f0; --line: #d5dfdf; --text: #12201f; --soft: #506260;
  --accent: #0f766e; --good: #17703a; --bad: #b3261e; --bad-soft: #fce5e3;
  ${colours(series.light)}
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1517; --surface: #151e20; --raised: #1e2a2d; --line: #2c3a3e; --text: #e8f0ef; --soft: #9db0ae;
    --accent: #4fd1c0; --good: #6fd895; --bad: #ff9d94; --bad-soft: #431b18;
    ${colours(series.dark)}
  }
}
${classes}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2.5rem 1.25rem 4rem; background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0; font-size: 2rem; letter-spacing: -.02em; line-height: 1.2; }
h2 { margin: 3rem 0 1rem; font-size: 1.375rem; letter-spacing: -.01em; }
h3 { margin: 0; font: 600 1.0625rem/1.4 ui-monospace, monospace; color: var(--accent); }
p { margin: .375rem 0 0; max-width: 46rem; }
a { color: var(--accent); }
code { font-family: ui-monospace, monospace; font-size: .875em; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .875rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .625rem; margin: 1.5rem 0 0; }
.facts div { padding: .625rem .875rem; border-radius: .625rem; background: var(--surface); border: 1px solid var(--line); }
.facts dt { color: var(--soft); font-size: .8125rem; }
.facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
nav { margin-top: 1.5rem; }
nav p { margin: 0; }
nav a { display: inline-block; padding: .125rem .375rem; font: .875rem ui-monospace, monospace; }
section { margin-top: 1rem; padding: 1.25rem; border: 1px solid var(--line); border-radius: .875rem;
  background: var(--surface); scroll-margin-top: 1rem; }
.scroll { margin-top: 1rem; overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 36rem); font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .375rem .75rem; border-top: 1px solid var(--line); text-align: right; vertical-align: top; }
thead th { border-top: 0; color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child { position: sticky; left: 0; padding-left: 0; max-width: 20rem; background: var(--surface);
  text-align: left; font-weight: 400; }
td small { display: block; color: var(--soft); }
th.ours, td.ours { color: var(--accent); font-weight: 600; }
.verdicts { margin: .875rem 0 0; padding: 0; list-style: none; font-size: .875rem; }
.met::before { content: "✓ "; color: var(--good); }
.missed::before { content: "✗ "; color: var(--bad); }
.failed { margin-top: .875rem; padding: .5rem .875rem; border-radius: .5rem; background: var(--bad-soft); color: var(--bad);
  overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem 2rem;
  margin-top: 1.25rem; }
figure { margin: 0; max-width: 30rem; }
figcaption { margin-bottom: .5rem; font-size: .875rem; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: .125rem .875rem; margin: 0 0 .5rem; padding: 0; list-style: none;
  color: var(--soft); font-size: .8125rem; }
.key { display: inline-block; width: .75rem; height: .75rem; margin-right: .375rem; border-radius: .1875rem;
  background: var(--tone); vertical-align: -.0625rem; }
.key.part { --tone: var(--soft); }
.part-1 { opacity: .5; }
.part-2 { opacity: .25; }
svg { display: block; width: 100%; height: auto; overflow: visible; font: 12px system-ui, sans-serif; }
svg text { fill: var(--soft); font-variant-numeric: tabular-nums; }
svg rect { fill: var(--tone); }
svg .track { fill: var(--raised); }
svg .name, svg .value { fill: var(--text); font-size: 13px; }
svg .value, svg .end { text-anchor: end; }
svg .middle { text-anchor: middle; }
svg .point { fill: var(--text); font-size: 11px; }
.grid { stroke: var(--line); }
.line { fill: none; stroke: var(--tone); stroke-width: 2; stroke-linejoin: round; }
.dot { fill: var(--surface); stroke: var(--tone); stroke-width: 2; }
@media (width < 40rem) {
  body { padding: 1.5rem .75rem 3rem; }
  section { padding: 1rem .875rem; }
  .facts { grid-template-columns: 1fr 1fr; }
  th, td { padding-inline: .5rem; }
  th:first-child { min-width: 9.5rem; max-width: 9.5rem; }
}
@media print { body { max-width: none; } section { break-inside: avoid; } }
`;
