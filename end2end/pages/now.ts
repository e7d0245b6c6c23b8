import { Frame } from "./frame.ts";

/** What runs now. */
export class NowPage extends Frame {
  async open() {
    const answer = await this.page.goto("/");
    await this.isLive();
    return answer;
  }

  /** Rows of a group. */
  group(name: "Needs a look" | "On course" | "Queued") {
    return this.page.getByRole("list", { name }).getByRole("listitem");
  }

  /** Rows of what runs, whether it needs a look or not. */
  get running() {
    return this.group("Needs a look").or(this.group("On course"));
  }

  get queued() {
    return this.group("Queued");
  }

  /** Rows of what has just ended. */
  get ended() {
    return this.page.getByRole("region", { name: "Just ended" }).getByRole("row").filter({ has: this.page.getByRole("link") });
  }

  get counts() {
    return this.page.getByRole("navigation", { name: "Counts" });
  }

  /** The bars of the last hour. */
  get strip() {
    return this.page.getByRole("figure", { name: /^The last hour/ }).getByRole("link");
  }

  get waiting() {
    return this.page.getByText("The order has changed");
  }
}
