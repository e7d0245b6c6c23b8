import { Frame } from "./frame.ts";

/** One execution. */
export class ExecutionPage extends Frame {
  async open(id: string) {
    const answer = await this.page.goto(`/executions/${id}`);
    await this.isLive();
    return answer;
  }

  /** What stands beside a word of the head: `Status`, `owner`, the name of a parameter. */
  fact(term: string) {
    const pair = this.page.locator("dl > div").filter({ has: this.page.getByRole("term").getByText(term, { exact: true }) });
    return pair.getByRole("definition");
  }

  get status() {
    return this.fact("Status");
  }

  /** The bar of the whole execution. */
  get bar() {
    return this.page.getByRole("main").getByRole("progressbar").first();
  }

  /** The steps as a graph. */
  async openGraph(id: string) {
    await this.page.goto(`/executions/${id}?view=graph`);
    await this.isLive();
  }

  get steps() {
    return this.page.getByRole("list", { name: "Steps", exact: true }).getByRole("listitem");
  }

  /** The name of a step in its row: what has the focus, and chooses it. */
  row(name: string) {
    return this.page.getByRole("region", { name: "Timeline of steps" }).getByRole("button", { name, exact: true });
  }

  get graph() {
    return this.page.getByRole("region", { name: /^Graph of/ });
  }

  /** A step of the graph. */
  node(name: string) {
    return this.graph.getByRole("button", { name });
  }

  /** What the chosen step is doing. */
  get inspector() {
    return this.page.getByRole("region", { name: "Chosen step" });
  }

  /** By its name, which each step says in its bar. */
  step(name: string) {
    return this.steps.filter({ has: this.page.getByRole("progressbar", { name, exact: true }) });
  }

  get log() {
    return this.page.getByRole("log", { name: "Lines" });
  }

  get lines() {
    return this.log.getByRole("code");
  }

  get error() {
    return this.page.getByRole("region", { name: "Why it failed" });
  }

  /** What stands in the place of the error at a moment before it. */
  get beforeError() {
    return this.page.getByRole("region", { name: "Before it failed" });
  }

  get result() {
    return this.page.getByRole("region", { name: "Result" });
  }

  /** The moment that is shown. */
  get scrubber() {
    return this.page.getByRole("slider", { name: "Moment shown" });
  }

  /** That it is a past one. */
  get then() {
    return this.page.getByText("As it was at");
  }

  get cancel() {
    return this.page.getByRole("button", { name: "Cancel", exact: true });
  }

  get question() {
    return this.page.getByRole("group", { name: "Cancel this execution?" });
  }

  /** All that the page says, field by field: what two pages at one address can be compared by. */
  async reading() {
    return await this.page.evaluate(read);
  }
}

/** Runs in the page. What ticks by itself while an execution runs is left out; `data-part`s name the rest. */
function read() {
  const text = (element?: Element | null) => element?.textContent?.replace(/\s+/g, " ").trim() ?? null;
  const all = <T>(root: ParentNode | null | undefined, what: string, map: (element: Element) => T) =>
    [...(root?.querySelectorAll(what) ?? [])].map(map);
  const bar = (root?: Element | null) => {
    const bar = root?.querySelector("[role=progressbar]");
    return bar && { value: bar.getAttribute("aria-valuenow"), text: bar.getAttribute("aria-valuetext"), status: bar.getAttribute("data-status") };
  };
  const part = (root: Element, name: string) => text(root.querySelector(`[data-part="${name}"]`));
  const main = document.querySelector("main");
  const head = main?.querySelector(".execution-header");
  const ended = !main?.querySelector('.step-timeline li[data-status="running"], .step-timeline li[data-status="pending"]');
  return {
    title: document.title,
    name: text(head?.querySelector("h1")),
    facts: all(head, "dl > div:not([data-ahead])", (pair) => `${text(pair.querySelector("dt"))}: ${text(pair.querySelector("dd"))}`),
    percent: text(main?.querySelector('.execution-reading [data-part="percent"]')),
    elapsed: ended ? text(main?.querySelector('.execution-reading [data-part="elapsed"]')) : null,
    said: head ? part(head, "said") : null,
    bar: bar(head),
    segments: all(head, "[role=progressbar] > span", (span) => [span.getAttribute("data-status"), span.getAttribute("style")?.replace(/;$/, "")]),
    buttons: all(head, "button", text),
    steps: all(main, '.step-timeline [data-part="rows"] > li', (step) => ({
      status: step.getAttribute("data-status"),
      icon: step.querySelector("svg")?.getAttribute("aria-label"),
      current: step.getAttribute("aria-current"),
      name: text(step.querySelector("button")),
      bar: bar(step),
      source: step.getAttribute("data-source"),
      note: part(step, "note"),
      // One that is open reaches to the moment at which it is looked at.
      bars: all(step, '[data-part="attempt"]', (one) => {
        const [status, style] = [one.getAttribute("data-status"), one.getAttribute("style")?.replace(/;$/, "")];
        return [status, status === "running" ? style?.replace(/;--to:\d+$/, "") : style];
      }),
      attempts: all(step, "ul > li", text),
      figure: step.getAttribute("data-status") === "running" ? null : part(step, "figure"),
    })),
    error: all(main, ".error-panel:not([data-ahead])", text),
    result: all(main, ".result-table tr", text),
    rows: all(main, ".execution-row, .ended-list tbody tr", (row) =>
      all(row, "a, small, td, [role=progressbar], [data-part=step], svg[aria-label]", (one) => text(one) || one.ariaLabel),
    ),
    count: text(main?.querySelector(".output-log output")),
    lines: all(main, '[data-part="line"]', (line) => ({
      number: text(line.querySelector("a")),
      at: line.querySelector("time")?.getAttribute("datetime"),
      clock: text(line.querySelector("time")),
      level: line.getAttribute("data-level"),
      html: line.querySelector("code")?.innerHTML.replace(/<!--.*?-->/g, ""),
    })),
  };
}

