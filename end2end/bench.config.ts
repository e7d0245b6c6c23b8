import config from "./playwright.config.ts";

/** The dashboard's figures, in Chromium, of the release build: `npx playwright test -c bench.config.ts`. One thing at a time, so that none is in another's way. */
export default {
  ...config,
  testDir: "bench",
  timeout: 900_000,
  workers: 1,
  fullyParallel: false,
  reporter: [["./bench/table.ts"]] as [[string]],
  use: { ...config.use, trace: "off" as const, screenshot: "off" as const },
};
