import { Frame } from "./frame.ts";

/** All executions. */
export class ExecutionsPage extends Frame {
  async open(query = "") {
    const answer = await this.page.goto(`/executions${query}`);
    await this.isLive();
    return answer;
  }

  get rows() {
    return this.page.getByRole("table", { name: "Executions, newest first" }).getByRole("row").filter({ has: this.page.getByRole("rowheader") });
  }

  /** Rows with this word as their status. */
  withStatus(status: string) {
    return this.rows.filter({ has: this.page.getByText(status, { exact: true }) });
  }

  get filters() {
    return this.page.getByRole("search", { name: "Filter executions" });
  }

  get chips() {
    return this.page.getByRole("list", { name: "Filters that are set" }).getByRole("listitem");
  }

  get selection() {
    return this.page.getByRole("toolbar", { name: "Selected executions" });
  }
}
