// What people do who act: from the page, and in force where it counts.
"use strict";

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { launch, opened } = require("./browser.cjs");
const { ask, configured, json, simulated, transom, until } = require("./programs.cjs");

const WIDE = { width: 1440, height: 900 };

let browser, sim;
before(async () => {
  browser = await launch();
  sim = await simulated(["chat"], "--ttft-ms", "5", "--itl-ms", "0", "--tokens", "5");
});
after(async () => { await browser.close(); await sim.stop(); });

test("a replay is started from the page, and its report opened", async () => {
  const proxy = await transom(configured(sim.origin, ["chat"], { more: '[capture]\nmodels = ["*"]\n' }));
  for (let at = 0; at < 12; at += 1) await ask(proxy, "chat", { stream: at % 2 === 0 });
  await until(async () => (await json(proxy, "/captures.json")).exchanges?.length > 0, () => "nothing was captured");
  for (const javaScriptEnabled of [true, false]) {
    const page = await opened(browser, { viewport: WIDE, javaScriptEnabled });
    await page.goto(`${proxy.pages}/replays`);
    await page.getByLabel("Target A", { exact: true }).selectOption("upstream:sim");
    await page.getByLabel("or rate", { exact: true }).fill("50/s");
    await page.getByLabel("Duration").fill("1s");
    await page.getByLabel("Warm-up").fill("0s");
    await page.getByRole("button", { name: "Begin" }).click();
    await page.waitForURL("**/replays/*");
    await until(async () => {
      if (!javaScriptEnabled) await page.reload();
      return page.getByRole("link", { name: "Report" }).first().isVisible();
    }, () => "there never was a report");
    await page.getByRole("link", { name: "Report" }).first().click();
    await page.waitForLoadState();
    assert.match(await page.locator("h1").first().innerText(), /\S/);
    assert.ok((await page.locator("svg").count()) > 0, "it has plots");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
  await proxy.remove();
});
