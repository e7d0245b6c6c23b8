import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";

const root = resolve(import.meta.dirname, "../..");
const picture = (page: Page, name: string) =>
  page.screenshot({ path: join(root, `docs/images/${name}.png`), animations: "disabled" });

test.use({ flags: ["--max-executions", "4"], viewport: { width: 1280, height: 800 } });

test("the pictures of the README", async ({ server, visitor }) => {
  for (const file of readdirSync(join(root, "workflows"))) {
    server.write(file.replace(".yaml", ""), readFileSync(join(root, "workflows", file), "utf8"));
  }
  const page = await visitor("ada", { role: "admin", viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  await server.addUser("grace");

  let failed = "";
  await expect(async () => (failed = await server.run("grace", "fails"))).toPass();
  await server.run("ada", "hello", { who: "Ada" });
  await server.reaches("grace", failed, "execution.failed");
  const pipeline = await server.run("ada", "pipeline");
  await server.run("grace", "archive");
  await server.run("ada", "long");
  for (const owner of ["ada", "grace"]) await server.run(owner, "pipeline");

  await page.goto(`/executions/${pipeline}`);
  await expect(page.getByRole("progressbar").first()).toHaveAttribute("aria-valuenow", /^(4[5-9]|[5-9]\d)/, { timeout: 120_000 });
  await picture(page, "execution");
  await page.goto("/");
  await expect(page.getByText("In sync").or(page.getByText("Live")).first()).toBeVisible();
  await picture(page, "executions");
  await page.goto(`/executions/${failed}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await picture(page, "failed");
  await page.goto("/workflows/hello");
  await expect(page.getByRole("button", { name: /run/i })).toBeEnabled();
  await picture(page, "workflow");

  const phone = await visitor("ada", { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  await phone.goto(`/executions/${pipeline}`);
  await expect(phone.getByRole("heading", { level: 1 })).toBeVisible();
  await picture(phone, "phone-dark");
});
