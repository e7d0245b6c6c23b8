import { expect } from "@playwright/test";
import { Frame } from "./frame.ts";

/** One's own account, and the rooms for admins. */
export class SettingsPage extends Frame {
  async open(room: string) {
    const answer = await this.page.goto(room === "profile" ? "/profile" : `/settings/${room}`);
    await this.isReady();
    return answer;
  }

  /** Waits until the page has come alive: it follows nothing, so the light does not tell. */
  async isReady() {
    await expect(this.page.getByRole("button", { name: "Search" })).toBeEnabled();
  }

  row(name: string) {
    return this.page.getByRole("row").filter({ has: this.page.getByRole("rowheader", { name }) });
  }

  get said() {
    return this.page.getByRole("status", { name: "What was done" });
  }

  get dialog() {
    return this.page.getByRole("dialog").filter({ visible: true });
  }
}
