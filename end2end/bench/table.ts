import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";
import type { TestInfo } from "@playwright/test";

/** A figure, and what it should be. */
export interface Row {
  what: string;
  figure: number;
  unit: string;
  atMost?: number;
}

/** Keeps a figure for the table. */
export function row(info: TestInfo, what: string, figure: number, unit: string, atMost?: number) {
  info.annotations.push({ type: "row", description: JSON.stringify({ what, figure, unit, atMost } satisfies Row) });
}

/** The table: a title for each test, a row for each figure. */
export default class Table implements Reporter {
  onTestEnd(test: TestCase, result: TestResult) {
    console.log(`\n${test.title}`);
    for (const { type, description } of result.annotations) {
      if (type !== "row") continue;
      const { what, figure, unit, atMost } = JSON.parse(description!) as Row;
      const aim = atMost === undefined ? "" : `<= ${atMost} ${unit}`.padEnd(14) + (figure <= atMost ? "met" : "MISSED");
      console.log(`  ${what.padEnd(64)} ${`${Number(figure.toPrecision(figure < 100 ? 3 : 6))} ${unit}`.padStart(14)}  ${aim}`);
    }
    if (result.status !== "passed") console.log(`  not measured to its end: ${result.error?.message ?? result.status}`);
  }
}
