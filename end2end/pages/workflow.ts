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
