import type { Page } from "@playwright/test";

/** Set-up, signing in, signing out. */
export class Door {
  constructor(readonly page: Page) {}

  get wrong() {
    return this.page.getByRole("alert").filter({ hasText: /./ });
  }

  async setUp(code: string, name: string, password: string) {
    await this.page.getByLabel("Setup code").fill(code);
    await this.#give(name, password);
    await this.page.getByRole("button", { name: "Create the account" }).click();
  }

  async signIn(name: string, password: string) {
    await this.#give(name, password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  async signOut() {
    await this.page.getByRole("button", { name: "Sign out" }).click();
  }

  async #give(name: string, password: string) {
    await this.page.getByRole("textbox", { name: "Name" }).fill(name);
    await this.page.getByLabel("Password").fill(password);
  }
}
