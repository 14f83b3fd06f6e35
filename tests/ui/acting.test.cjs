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
    await page.locator("select[name=a_to]").selectOption("upstream:sim");
    await page.getByLabel("or rate", { exact: true }).fill("50/s");
    await page.getByLabel("Duration").fill("500ms");
    await page.getByLabel("Warm-up").fill("0s");
    await page.getByRole("button", { name: "Begin" }).click();
    await page.waitForURL("**/replays/*");
    const report = page.getByRole("link", { name: "As one file" });
    await until(async () => {
      if (!javaScriptEnabled) await page.reload();
      return report.isVisible();
    }, () => "there never was a report");
    assert.equal(await page.locator("h1 ~ span .pill").innerText(), "done");
    await report.click();
    await page.waitForURL("**/report.html");
    assert.match(await page.locator("body").innerText(), /What ran/);
    assert.ok((await page.locator("svg").count()) > 2, "it has plots");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
  await proxy.remove();
});

/** Two upstreams for one model, at first with equal shares. */
const TWO = (one, other) => `[[upstream]]
name = "old"
endpoints = ["${one.origin}"]
[[upstream]]
name = "new"
endpoints = ["${other.origin}"]
[[model]]
name = "chat"
targets = [{ upstream = "old", weight = 50 }, { upstream = "new", weight = 50 }]
`;

test("a weight set on the page is in force, with the slider and without scripts", async () => {
  const other = await simulated(["chat"], "--ttft-ms", "1", "--itl-ms", "0", "--tokens", "1");
  const proxy = await transom(TWO(sim, other));
  /** Of the next 40 requests those that the new upstream gets. */
  const share = async () => {
    const before = (await json(proxy, "/requests.json?upstream=new")).matching;
    const all = (await json(proxy, "/requests.json")).matching;
    await Promise.all(Array.from({ length: 40 }, () => ask(proxy, "chat")));
    await until(async () => (await json(proxy, "/requests.json")).matching === all + 40);
    return (await json(proxy, "/requests.json?upstream=new")).matching - before;
  };
  const split = await share();
  assert.ok(split > 4 && split < 36, `${split} of 40 at equal weights`);

  const page = await opened(browser, { viewport: WIDE });
  await page.goto(`${proxy.pages}/upstreams`);
  const slider = page.getByLabel("Weight of new for chat, slider");
  await slider.focus();
  await page.keyboard.press("Home");
  assert.equal(await page.getByLabel("Weight of new for chat", { exact: true }).inputValue(), "0");
  await page.getByRole("button", { name: "Set the weight of new for chat" }).click();
  await page.getByRole("status").first().waitFor();
  assert.equal(await share(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();

  const plain = await opened(browser, { viewport: WIDE, javaScriptEnabled: false });
  await plain.goto(`${proxy.pages}/upstreams`);
  await plain.getByLabel("Weight of new for chat", { exact: true }).fill("80");
  await plain.getByRole("button", { name: "Set the weight of new for chat" }).click();
  await plain.getByRole("button", { name: "Drain old for chat" }).click();
  assert.equal(await share(), 40);
  assert.deepEqual(plain.complaints, []);
  await plain.context().close();
  await proxy.remove();
  await other.stop();
});
