import { join, resolve } from "node:path";
import { defineConfig, devices } from "@playwright/test";

const root = resolve(import.meta.dirname, "..");

// What the Makefile exports; these defaults are for those who run Playwright by hand after `make build`.
process.env.RUNCAST_BIN ??= join(root, "target/release/runcast");
process.env.LEPTOS_OUTPUT_NAME ??= "runcast";
process.env.LEPTOS_SITE_ROOT ??= join(root, "target/site");
process.env.LEPTOS_SITE_PKG_DIR ??= "pkg";

const CHROMIUM = {
  ...devices["Desktop Chrome"],
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  },
};
/** What asks how long something takes, or opens many tabs, has the machine for itself. */
const ALONE = /(tabs|stress)\.spec\.ts/;

// Each test starts a server of its own, on an empty folder and a free port: see server.ts.
export default defineConfig({
  testDir: "specs",
  outputDir: "test-results",
  snapshotPathTemplate: "looks/{arg}{ext}",
  timeout: 90_000,
  expect: { timeout: 10_000, toPass: { timeout: 10_000 } },
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  reporter: [["list"], ["html", { open: "never" }]],
  use: { trace: { mode: "retain-on-failure", screenshots: false, sources: false }, screenshot: "only-on-failure", actionTimeout: 10_000 },
  projects: [
    { name: "chromium", testIgnore: ALONE, use: CHROMIUM },
    { name: "alone", testMatch: ALONE, dependencies: ["chromium"], workers: 1, use: CHROMIUM },
  ],
});
