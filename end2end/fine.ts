import { AxeBuilder } from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";

/** All that axe knows, once; of the other colours and sizes what these can change. */
const OF_COLOURS_AND_SIZES = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size", "label", "button-name", "link-name"];

/** Accessible, all of it or one part, and no wider than the screen: on a desk and on a phone, in light and in dark. */
export async function isFine(page: Page, name: string, part = "html") {
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      // Still: colours that glide to a theme are neither the one's nor the other's.
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // There are no frames here; without the support for them axe needs no page of its own.
      const axe = new AxeBuilder({ page }).include(part).setLegacyMode();
      const all = width > 500 && colorScheme === "light";
      const { violations } = await (all ? axe : axe.withRules(OF_COLOURS_AND_SIZES)).analyze();
      const found = violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
      expect.soft(found, `axe on ${name}, ${width} pixels, ${colorScheme}`).toEqual([]);
    }
    if (width > 500) {
      await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
      await page.evaluate(() => (document.documentElement.dataset.contrast = "more"));
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().withRules(["color-contrast"]).analyze();
      expect.soft(violations.flatMap((one) => one.nodes.map((node) => node.failureSummary)), `${name}, more contrast`).toEqual([]);
      await page.evaluate(() => delete document.documentElement.dataset.contrast);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect.soft(wide, `the width of ${name}`).toBeLessThanOrEqual(width);
  }
}
