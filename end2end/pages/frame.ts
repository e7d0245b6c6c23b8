import { type Page, expect } from "@playwright/test";

/** What is around every page but the doors. */
export class Frame {
  constructor(readonly page: Page) {}

  /** The light that tells whether what is shown is true right now. */
  get light() {
    return this.page.getByRole("status", { name: "Connection" });
  }

  get banner() {
    return this.page.getByRole("banner");
  }

  /** Waits until the page has come alive and knows all there is to know. */
  async isLive() {
    await expect(this.light).toHaveText("In sync");
  }

  get heading() {
    return this.page.getByRole("heading", { level: 1 });
  }
}
