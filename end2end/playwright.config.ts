import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defineConfig, devices } from "@playwright/test";

const root = resolve(import.meta.dirname, "..");
const url = "http://127.0.0.1:4790";

// Workers read this file too, and inherit the environment: all of them mean the same binary, folder and address.
process.env.RUNCAST_BIN ??= join(root, "target/release/runcast");
process.env.RUNCAST_DATA ??= mkdtempSync(join(tmpdir(), "runcast-e2e-"));
process.env.RUNCAST_URL ??= url;
process.env.LEPTOS_OUTPUT_NAME ??= "runcast";
process.env.LEPTOS_SITE_ROOT ??= join(root, "target/site");
process.env.LEPTOS_SITE_PKG_DIR ??= "pkg";

export default defineConfig({
  testDir: "specs",
  outputDir: "test-results",
  globalTeardown: "./teardown.ts",
  timeout: 30_000,
  expect: { timeout: 10_000 },
  fullyParallel: false,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  reporter: [["list"], ["html", { open: "never" }]],
  use: { baseURL: url, trace: "retain-on-failure", screenshot: "only-on-failure" },
  projects: [
    {
      name: "chromium",
      use: {
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
      },
    },
  ],
  webServer: {
    command: `exec "$RUNCAST_BIN" serve --data "$RUNCAST_DATA" --workflows workflows --listen 127.0.0.1:4790`,
    cwd: root,
    url: `${url}/healthz`,
    reuseExistingServer: false,
    timeout: 30_000,
    gracefulShutdown: { signal: "SIGTERM", timeout: 5_000 },
    stdout: "pipe",
  },
});
