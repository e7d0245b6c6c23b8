import config from "./playwright.config.ts";

/** `make pictures`: takes the README's pictures of the release build, with the examples at work. */
export default { ...config, testDir: "pictures", timeout: 180_000, workers: 1, reporter: [["list"]] as [["list"]] };
