// Charts that can be looked at closer: by mouse, by keys, and not needed without scripts.
"use strict";

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { launch, opened, violations } = require("./browser.cjs");
const { ask, configured, json, simulated, transom, until } = require("./programs.cjs");

const WIDE = { width: 1440, height: 900 };
const HOUR = 3_600_000;

let browser, sim, proxy, address;
before(async () => {
  browser = await launch();
  sim = await simulated(["chat"], "--ttft-ms", "5", "--itl-ms", "0", "--tokens", "5");
  proxy = await transom(configured(sim.origin, ["chat"]));
  address = `${proxy.pages}/models/chat`;
  for (let at = 0; at < 6; at += 1) await ask(proxy, "chat", { stream: at % 2 === 0 });
  await until(async () => (await json(proxy, "/models/chat.json")).now.requests === 6, () => "nothing was counted");
});
after(async () => { await browser.close(); await proxy.remove(); await sim.stop(); });

/** The range that the page is about, in milliseconds. */
const range = (page) => {
  const { searchParams } = new URL(page.url());
  return [Date.parse(searchParams.get("from")), Date.parse(searchParams.get("to"))];
};

/** How many pixels of a chart are drawn on. */
const drawn = (page) => page.locator("#plot-latency canvas").evaluate((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, at) => at % 4 === 3 && data[at] > 0).length;
});

test("what is dragged over is what the page is about, until it is clicked at twice", async () => {
  const page = await opened(browser, { viewport: WIDE });
  await page.goto(`${address}?window=6h`);
  const plot = page.locator("#plot-latency .u-over");
  assert.ok((await drawn(page)) > 100, "the chart is drawn");
  const { x, y, width, height } = await plot.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width - 1, y + height / 2, { steps: 5 });
  await Promise.all([page.waitForURL("**from=**"), page.mouse.up()]);
  const [from, to] = range(page);
  assert.ok(Math.abs(to - from - 3 * HOUR) < HOUR / 10, `half of six hours: ${(to - from) / HOUR}`);
  assert.ok(Math.abs(to - Date.now()) < 10 * 60_000, "and the later half");
  assert.match(await page.locator("nav.window [aria-current]").innerText(), /^2\d\d\d-.* to .* UTC$/);
  assert.match(await page.locator(".under").first().innerText(), /6 requests in the time from/);
  const { searchParams } = new URL(page.url());
  const told = await json(proxy, `/models/chat.json?${searchParams}`);
  assert.equal(told.trends.latency.at[0] * 1_000, Math.floor(from / 60_000) * 60_000);

  const again = await plot.boundingBox();
  await Promise.all([
    page.waitForURL((url) => !url.searchParams.has("from")),
    page.mouse.dblclick(again.x + again.width / 2, again.y + again.height / 2),
  ]);
  assert.equal(await page.locator("nav.window [aria-current]").innerText(), "6h");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("keys do what dragging does", async () => {
  const page = await opened(browser, { viewport: WIDE });
  await page.goto(`${address}?window=1h`);
  const pressed = async (key) => {
    await page.locator("#plot-traffic").focus();
    const before = page.url();
    await Promise.all([page.waitForURL((url) => url.href !== before), page.keyboard.press(key)]);
    return range(page);
  };
  const [from, to] = await pressed("+");
  assert.ok(Math.abs(to - from - HOUR / 2) <= 2 * 60_000, "half of it");
  const [earlier] = await pressed("ArrowLeft");
  assert.ok(earlier < from, "what was before");
  const [wide, end] = await pressed("-");
  assert.ok(end - wide > to - from, "more of it");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a chart follows the colours that are wanted, and is said to those who do not see it", async () => {
  const page = await opened(browser, { viewport: WIDE, colorScheme: "light", bypassCSP: true });
  await page.goto(address);
  const shot = () => page.locator("#plot-latency canvas").evaluate((canvas) => canvas.toDataURL());
  const light = await shot();
  await page.emulateMedia({ colorScheme: "dark" });
  await until(async () => (await shot()) !== light, () => "it stayed light");
  assert.match(await page.locator("#plot-latency").getAttribute("aria-label"), /latency of chat over time/);
  assert.deepEqual(await violations(page), []);
  await page.context().close();
});

test("without scripts there is a picture in its place", async () => {
  const page = await opened(browser, { viewport: WIDE, javaScriptEnabled: false });
  await page.goto(address);
  assert.equal(await page.locator("svg.lines").count(), 2);
  assert.ok(await page.locator("svg.lines").first().isVisible());
  assert.equal(await page.locator(".plot:visible").count(), 0);
  assert.match(await page.locator("svg.lines .l1").first().getAttribute("d"), /^M/);
  await page.context().close();
});
