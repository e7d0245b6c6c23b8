import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { SettingsPage } from "../pages/settings.ts";

const rail = (page: Page) => page.getByRole("navigation", { name: "Following" });
const icon = (page: Page) => page.locator("link[rel=icon]");

test("a followed run stands in the rail of every page, and in the tab, until it has ended and somebody has seen it", async ({ server, visitor }) => {
  const execution = new ExecutionPage(await visitor("alice"));
  const { page } = execution;
  await execution.open(await server.run("alice", "waits"));
  await expect(rail(page)).toBeHidden();
  await page.getByRole("button", { name: "Follow this execution" }).click();
  await expect(rail(page).getByRole("link")).toHaveText("waits40%");
  await new SettingsPage(page).open("profile");
  await expect(rail(page).getByRole("link")).toHaveText("waits40%");
  await expect(page).toHaveTitle("40% · Profile · Runcast");
  await expect(icon(page)).toHaveAttribute("href", /^data:image\/svg\+xml,.*40%20100/);
  server.open("go");
  await expect(page).toHaveTitle("✓ waits succeeded · Profile · Runcast");
  await expect(icon(page)).toHaveAttribute("href", /^data:image\/svg\+xml,.*100%20100/);
  await expect(rail(page).getByRole("img", { name: "Succeeded" })).toBeVisible();
  await expect(rail(page).getByRole("time")).toBeVisible();
  await page.getByRole("heading", { level: 1 }).click();
  await expect(page).toHaveTitle("Profile · Runcast");
  await expect(icon(page)).toHaveAttribute("href", "/favicon.svg");
});

test("a tab that nobody sees tells how it went in its title, too", async ({ server, visitor }) => {
  const execution = new ExecutionPage(await visitor("alice"));
  const { page } = execution;
  await execution.open(await server.run("alice", "waits"));
  await page.getByRole("button", { name: "Follow this execution" }).click();
  await expect(rail(page).getByRole("link")).toHaveText("waits40%");
  await new SettingsPage(page).open("profile");
  await expect(page).toHaveTitle("40% · Profile · Runcast");
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { get: () => true });
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  server.open("go");
  await expect(page).toHaveTitle("✓ waits succeeded · Profile · Runcast", { timeout: 25_000 });
  await expect(icon(page)).toHaveAttribute("href", /^data:image\/svg\+xml,.*100%20100/);
});

test("who follows a workflow sees its newest run, and that it failed", async ({ server, visitor }) => {
  const page = await visitor("alice");
  await page.goto("/workflows/breaks");
  await page.getByRole("button", { name: "Follow this workflow" }).click();
  await expect(page.getByRole("button", { name: "Follow this workflow" })).toHaveAttribute("aria-pressed", "true");
  await expect(rail(page)).toBeHidden();
  const id = await server.run("alice", "breaks");
  await expect(rail(page).getByRole("link")).toHaveAttribute("href", `/executions/${id}`);
  server.open("broken");
  await expect(page).toHaveTitle(/^✕ breaks failed · /);
});

test("what one follows is kept for oneself, and let go of", async ({ server, visitor }) => {
  const execution = new ExecutionPage(await visitor("alice"));
  const { page } = execution;
  const id = await server.run("alice", "waits");
  await execution.open(id);
  await page.getByRole("button", { name: "Follow this execution" }).click();
  await expect(rail(page).getByRole("link")).toHaveCount(1);
  await page.reload();
  await expect(rail(page).getByRole("link")).toHaveCount(1);
  await page.getByRole("button", { name: "Follow this execution" }).click();
  await expect(rail(page)).toBeHidden();
  await page.reload();
  await new ExecutionsPage(page).isLive();
  await expect(rail(page)).toBeHidden();
  expect(await page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith("following")))).toEqual([]);
});

test("the system is asked for notifications by a click only, and then told how a followed run ended", async ({ server, visitor }) => {
  const page = await visitor("alice");
  await page.addInitScript(() => {
    const told: unknown[] = [];
    class Notification {
      static permission = "default";
      static async requestPermission() {
        told.push("asked");
        return (Notification.permission = "granted");
      }
      constructor(title: string, options: unknown) {
        told.push([title, options]);
      }
    }
    Object.assign(window, { Notification, told });
  });
  const told = () => page.evaluate(() => (window as unknown as { told: unknown[] }).told);
  const execution = new ExecutionPage(page);
  const id = await server.run("alice", "waits");
  await execution.open(id);
  await page.getByRole("button", { name: "Follow this execution" }).click();
  await page.getByRole("link", { name: "Settings" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Profile" })).toBeVisible();
  await expect(rail(page).getByRole("link")).toHaveText("waits40%");
  expect(await told()).toEqual([]);
  await page.getByRole("switch", { name: "Notify me" }).click();
  await expect(page.getByRole("switch", { name: "Notify me" })).toBeChecked();
  expect(await told()).toEqual(["asked"]);
  server.open("go");
  await expect.poll(told).toEqual(["asked", ["waits succeeded", expect.objectContaining({ tag: id })]]);
});
