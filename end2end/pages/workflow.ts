import { expect } from "@playwright/test";
import { Frame } from "./frame.ts";

/** One workflow: its form, and what it is. */
export class WorkflowPage extends Frame {
  async open(name: string) {
    const answer = await this.page.goto(`/workflows/${name}`);
    await this.isLive();
    return answer;
  }

  get form() {
    return this.page.getByRole("region", { name: "Run it" });
  }

  field(name: string) {
    return this.form.getByRole("textbox", { name });
  }

  get run() {
    return this.form.getByRole("button", { name: "Run" });
  }

  /** How the last runs went, oldest first. */
  get chart() {
    return this.page.getByRole("list", { name: "How the last runs ended, oldest first" });
  }

  /** A number of the head, by the words under it. */
  number(words: string) {
    const pair = this.page.locator("dl > div").filter({ has: this.page.getByRole("term").getByText(words, { exact: true }) });
    return pair.getByRole("definition");
  }
}

/** All workflows. */
export class WorkflowsPage extends Frame {
  async open() {
    const answer = await this.page.goto("/workflows");
    await this.isLive();
    return answer;
  }

  row(name: string) {
    return this.page.getByRole("row").filter({ has: this.page.getByRole("link", { name, exact: true }) });
  }
}

/** Where a file is checked before it is run. */
export class CheckPage extends Frame {
  async open(of?: string) {
    const answer = await this.page.goto(of ? `/check?of=${of}` : "/check");
    await this.isReady();
    return answer;
  }

  /** The page follows nothing, so it is ready once what is around it is. */
  async isReady() {
    await expect(this.page.getByRole("button", { name: "Search" })).toBeEnabled();
  }

  get text() {
    return this.page.getByRole("textbox", { name: "Workflow file" });
  }

  get verdict() {
    return this.page.getByRole("region", { name: "What it comes to" }).getByRole("status");
  }

  get errors() {
    return this.page.getByRole("list", { name: "Errors" }).getByRole("listitem");
  }
}
