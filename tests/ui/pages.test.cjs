// Every page that a link leads to, with no model, one and two hundred.
"use strict";

const assert = require("node:assert/strict");
const { after, before, describe, test } = require("node:test");
const { fits, launch, links, opened, violations } = require("./browser.cjs");
const { ask, configured, json, names, simulated, transom, until } = require("./programs.cjs");

const NARROW = { width: 320, height: 640 };
const WIDE = { width: 1440, height: 900 };
/** What pages are looked at in: how many models there are does not change colours. */
const ALL = [["light", [WIDE, NARROW]], ["dark", [WIDE, NARROW]]];
const SOME = [["light", [NARROW]], ["dark", [WIDE]]];
/** Pages of a kind that are looked at: two requests are as good as a hundred. */
const OF_A_KIND = 2;
const NO_PAGE = /\.(json|csv|ndjson|yml|html|svg|css|js)$|^\/(metrics|api|debug|health|ready|assets|sign-out)\b/;

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/** The pages that can be reached from the first one, at most two of each kind. */
async function reachable(page, origin) {
  const kinds = new Map();
  const found = [];
  const waiting = ["/"];
  for (const seen = new Set(waiting); waiting.length;) {
    const path = waiting.shift();
    const answer = await page.goto(origin + path);
    assert.equal(answer.status(), 200, `${path} is a dead link`);
    found.push(path);
    for (const link of await links(page)) {
      const [, kind] = link.match(/^(\/[^/?]*(?:\/[^?]+)?)/);
      const one = kind.replace(/^(\/[^/]+)\/.+/, "$1/one") + (link.includes("?") ? "?" : "");
      if (seen.has(link) || NO_PAGE.test(kind) || (kinds.get(one) ?? 0) >= OF_A_KIND) continue;
      kinds.set(one, (kinds.get(one) ?? 0) + 1);
      seen.add(link);
      waiting.push(link);
    }
  }
  return found;
}

for (const count of [0, 1, 200]) {
  describe(`with ${count} models`, () => {
    let sim, proxy, paths;
    before(async () => {
      const models = names(count);
      sim = await simulated(models, "--ttft-ms", "1", "--itl-ms", "0");
      proxy = await transom(configured(sim.origin, models, { more: '[capture]\nmodels = ["*"]\n' }));
      const asked = models.slice(0, 100).map((model, at) => ask(proxy, model, { stream: at % 2 === 0 }));
      await Promise.all(asked);
      await ask(proxy, "no-such-model");
      await until(async () => (await json(proxy, "/requests.json")).requests.length >= Math.min(asked.length, 1));
    });
    after(async () => { await proxy?.remove(); await sim?.stop(); });

    test("no link is dead, and every page has one title and no complaint", async () => {
      const page = await opened(browser, { viewport: WIDE });
      paths = await reachable(page, proxy.pages);
      assert.ok(paths.length >= 7, `${paths}`);
      for (const path of paths) {
        await page.goto(proxy.pages + path);
        assert.equal(await page.locator("h1").count(), 1, path);
        assert.match(await page.title(), /\S+ · transom$/, path);
      }
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    });

    for (const [colorScheme, sizes] of count === 1 ? ALL : SOME) {
      test(`axe finds nothing, and nothing is too wide, in ${colorScheme}`, async () => {
        const page = await opened(browser, { viewport: WIDE, colorScheme, bypassCSP: true });
        const found = [];
        for (const path of paths) {
          await page.goto(proxy.pages + path);
          for (const size of sizes) {
            await page.setViewportSize(size);
            const wrong = [...(await fits(page)), ...(await violations(page))];
            found.push(...wrong.map((one) => `${path}, ${size.width} px: ${one}`));
          }
        }
        assert.deepEqual(found, []);
        await page.context().close();
      });
    }

    test("pages say the same without scripts", async () => {
      const [with_, without] = await Promise.all([true, false].map((javaScriptEnabled) =>
        opened(browser, { viewport: WIDE, javaScriptEnabled, timezoneId: "UTC" })));
      // Times are the reader's; to copy and to point at a chart takes a script.
      const words = (page) => page.locator("main").evaluate((main) => {
        for (const one of main.querySelectorAll("time, .plot, [data-copy], [data-copy-from], [data-copy-link]")) one.remove();
        return main.innerText;
      });
      for (const path of paths) {
        await Promise.all([with_, without].map((page) => page.goto(proxy.pages + path)));
        const [more, less] = (await Promise.all([with_, without].map(words)))
          // Figures go on meanwhile, and a minute's seconds become a minute.
          .map((text) => text.replace(/[\d.,:%]+( min\b)?/g, "#").split(/\s+/).filter((word) => /^[a-z]{3,}/i.test(word)));
        const missing = more.filter((word) => !less.includes(word));
        assert.deepEqual(missing, [], path);
      }
      await Promise.all([with_, without].map((page) => page.context().close()));
    });
  });
}

test("the overview of a hundred models is below 100 KB", async () => {
  const models = names(100);
  const sim = await simulated(models, "--ttft-ms", "1", "--itl-ms", "0");
  const proxy = await transom(configured(sim.origin, models));
  await Promise.all(models.map((model) => ask(proxy, model)));
  await until(async () => (await json(proxy, "/requests.json")).requests.length > 0);
  const page = await (await fetch(proxy.pages + "/")).text();
  assert.ok(models.every((model) => page.includes(model)));
  assert.ok(page.length < 100_000, `${page.length} bytes`);
  await proxy.remove();
  await sim.stop();
});
