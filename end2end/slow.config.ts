import base from "./playwright.config.ts";
export default { ...base, timeout: 400_000, workers: 1, reporter: "line", outputDir: "/tmp/w/travel-new/results", expect: { timeout: 90_000, toPass: { timeout: 90_000 } }, use: { ...base.use, actionTimeout: 60_000 } };
