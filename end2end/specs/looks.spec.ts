import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";

/**
 * How pages look, beside pictures of them. Pictures belong to a release of Chromium and to the fonts of a machine, for which
 * the widths of two lines stand: with others there is nothing to compare with until somebody has looked at those that
 * `npx playwright test looks --update-snapshots=all` takes.
 */
const letters = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d")!;
    return ["system-ui", "monospace"].map((font) => {
      canvas.font = `100px ${font}`;
      return Math.round(canvas.measureText("Sphinx of black quartz, judge my vow 0123456789").width);
    });
  });

const SIZES = [
  { name: "desktop-light", viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  { name: "tablet-dark", viewport: { width: 1024, height: 768 }, colorScheme: "dark" },
  { name: "phone-light", viewport: { width: 390, height: 844 }, colorScheme: "light" },
  { name: "phone-dark", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
] as const;

for (const { name: size, ...options } of SIZES) {
  test(`pages look as they did, ${size}`, async ({ server, stranger, visitor, browser }, info) => {
    const first = await stranger(options);
    const kind = ["chromium", browser.version().split(".")[0], ...(await letters(first))].join("-");
    const known = existsSync(join(import.meta.dirname, "../looks", kind));
    test.skip(!known && info.config.updateSnapshots !== "all", `there are no pictures of ${kind}`);
    const looks = async (page: Page, name: string, ...changing: string[]) => {
      const mask = ["time", ".live-light", ...changing].map((part) => page.locator(part));
      await expect(page.locator("main, .door").first()).toBeVisible();
      await page.evaluate(() => document.fonts.ready);
      await expect(page).toHaveScreenshot([kind, `${name}-${size}.png`], { mask, maxDiffPixelRatio: 0.02, animations: "disabled" });
    };

    await first.goto("/set-up");
    await looks(first, "set-up");

    const page = await visitor("ada", { role: "admin", ...options });
    await page.goto("/");
    await looks(page, "now-empty");
    await page.goto("/executions");
    await looks(page, "executions-empty");
    await page.goto("/nowhere");
    await looks(page, "not-found");

    const signedOut = await stranger(options);
    await signedOut.goto("/sign-in");
    await looks(signedOut, "sign-in");

    await page.goto("/workflows/assemble");
    await looks(page, "workflow");
    server.open("found", "fetched", "built");
    const id = await server.run("ada", "breaks");
    server.open("broken");
    await server.reaches("ada", id, "execution.failed");
    await page.goto(`/executions/${id}`);
    await expect(page.getByText("table invoices cannot be read").first()).toBeVisible();
    await looks(page, "failed", "code", '[data-part="when"]', '[data-part="took"]');
  });
}
