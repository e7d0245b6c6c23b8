import { expect, test } from "@playwright/test";

test("the page answers, and comes alive without an error", async ({ page }) => {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const wasm = page.waitForResponse((response) => response.url().endsWith(".wasm"));

  const answer = await page.goto("/");

  expect(answer?.status()).toBe(200);
  await expect(page).toHaveTitle(/Runcast/);
  expect((await wasm).status()).toBe(200);
  await page.waitForLoadState("networkidle");
  expect(errors).toEqual([]);
});
