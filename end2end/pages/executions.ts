import { Frame } from "./frame.ts";

/** The list of executions. */
export class ExecutionsPage extends Frame {
  async open(query = "") {
    const answer = await this.page.goto(`/${query}`);
    await this.isLive();
    return answer;
  }

  /** Rows of what runs, or of what waits. */
  active(section: "Running" | "Queued") {
    return this.page.getByRole("list", { name: section }).getByRole("listitem");
  }

  get running() {
    return this.active("Running");
  }

  get queued() {
    return this.active("Queued");
  }

  /** Rows of what has ended. */
  get ended() {
    return this.page.getByRole("region", { name: "Ended" }).getByRole("row").filter({ has: this.page.getByRole("link") });
  }

  get filters() {
    return this.page.getByRole("search", { name: "Filter executions" });
  }
}
