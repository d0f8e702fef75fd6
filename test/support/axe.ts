import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";

/** The rules whose outcome depends on the colours; each look takes seconds. */
const colourRules = ["color-contrast", "link-in-text-block"];

/** What axe finds on a page, light and dark, with the elements it finds it in. */
export async function violations(page: Page): Promise<string[]> {
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await new AxeBuilder({ page }).withRules(colourRules).analyze();
  await page.emulateMedia({ colorScheme: "light" });
  const light = await new AxeBuilder({ page }).analyze();
  return [...light.violations, ...dark.violations].flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`),
  );
}
