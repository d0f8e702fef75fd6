import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "./installed.ts";

/** Chromium without a window, for a test that closes it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
}
