import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { webSocketOnly } from "./client-bundle.mjs";

const linkedStyle = /<link rel="stylesheet" href="([^"]+)" \/>/;
const linkedScript = /<script type="module" src="([^"]+)"><\/script>/;

/** Takes a page in as text, with its script and its style bundled into it. */
export function pages(shared) {
  const bundled = async (file) => {
    const { outputFiles } = await build({
      ...shared,
      entryPoints: [file],
      platform: "browser",
      target: "es2022",
      minify: true,
      write: false,
      plugins: [webSocketOnly],
    });
    return outputFiles[0].text;
  };
  return {
    name: "pages",
    setup(build_) {
      build_.onLoad({ filter: /\.html$/ }, async ({ path }) => {
        let html = readFileSync(path, "utf8");
        const [style, styleFile] = linkedStyle.exec(html) ?? [];
        if (styleFile !== undefined) {
          const css = await bundled(join(dirname(path), styleFile));
          html = html.replace(style, () => `<style>${css}</style>`);
        }
        const [script, scriptFile] = linkedScript.exec(html) ?? [];
        if (scriptFile !== undefined) {
          // A closing tag within a text of the script would end it.
          const code = (await bundled(join(dirname(path), scriptFile))).replaceAll("</script", "<\\/script");
          html = html.replace(script, () => `<script type="module">${code}</script>`);
        }
        return { contents: html, loader: "text" };
      });
    },
  };
}
