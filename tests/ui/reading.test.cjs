// What people do who look: with keys alone, while figures change, and at what strangers wrote.
"use strict";

const assert = require("node:assert/strict");
const http = require("node:http");
const { after, before, test } = require("node:test");
const { launch, opened } = require("./browser.cjs");
const { ask, configured, json, simulated, transom, until } = require("./programs.cjs");

const WIDE = { width: 1440, height: 900 };
const MODELS = ["chat-large", "chat-small"];
const CAPTURED = '[capture]\nmodels = ["*"]\n';

let browser, sim, proxy;
before(async () => {
  browser = await launch();
  sim = await simulated(MODELS, "--ttft-ms", "5", "--itl-ms", "1");
  proxy = await transom(configured(sim.origin, MODELS, { more: CAPTURED }));
  for (const model of MODELS) await ask(proxy, model, { stream: true });
  await until(async () => (await json(proxy, "/requests.json")).requests.length === 2);
});
after(async () => { await browser.close(); await proxy.remove(); await sim.stop(); });

/** Opens `path` in a page of its own for `use`, and expects no complaint. */
async function on(path, options, use, address = proxy.pages) {
  const page = await opened(browser, { viewport: WIDE, ...options });
  await page.goto(address + path);
  await use(page);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
}

test("letters lead to pages, to the filter and through rows", async () => {
  await on("/", {}, async (page) => {
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.waitForURL("**/requests");
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.name), "q");
    await page.evaluate(() => document.activeElement.blur());
    for (const [key, row] of [["j", 0], ["j", 1], ["j", 1], ["k", 0]]) {
      await page.keyboard.press(key);
      const marked = await page.$$eval("tr[data-href]", (rows) => rows.findIndex((one) => one.classList.contains("on")));
      assert.equal(marked, row);
    }
    await page.keyboard.press("Enter");
    await page.waitForURL("**/requests/req_*");
    await page.keyboard.press("?");
    assert.ok(await page.locator("dialog#keys").isVisible());
    await page.keyboard.press("Escape");
    assert.ok(!(await page.locator("dialog#keys").isVisible()));
  });
});

test("whatever can be used is reached with Tab, and is seen when it is", async () => {
  for (const path of ["/", "/requests", "/slo", "/replays", "/models/chat-large"]) {
    await on(path, {}, async (page) => {
      await page.keyboard.press("Tab");
      assert.match(await page.evaluate(() => document.activeElement.textContent), /Skip to the page/);
      const all = await page.$$eval("a[href], button, input:not([type=hidden]), select, textarea, [tabindex='0']", (found) => {
        const seen = found.filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0);
        seen.forEach((one, at) => { one.dataset.stop = at; });
        return seen.length;
      });
      const reached = new Set(["0"]);
      for (let tries = 0; reached.size < all && tries < all + 10; tries += 1) {
        await page.keyboard.press("Tab");
        const stop = await page.evaluate(() => {
          const one = document.activeElement;
          const style = getComputedStyle(one);
          const { width, height } = one.getBoundingClientRect();
          return { at: one.dataset.stop, seen: style.outlineStyle !== "none" && width * height > 0, html: one.outerHTML.slice(0, 120) };
        });
        if (stop.at === undefined) continue;
        assert.ok(stop.seen, `${path}: nobody sees where the focus is: ${stop.html}`);
        reached.add(stop.at);
      }
      const missed = await page.$$eval("[data-stop]", (found, got) =>
        found.filter((one) => !got.includes(one.dataset.stop)).map((one) => one.outerHTML.slice(0, 160)), [...reached]);
      assert.deepEqual(missed, [], path);
    });
  }
});

test("figures change while somebody looks, until they are paused", async () => {
  await on("/requests", {}, async (page) => {
    const rows = () => page.locator("tbody tr").count();
    await page.locator("#live", { hasText: "live" }).waitFor();
    const first = await rows();
    await ask(proxy, "chat-small");
    await until(async () => (await rows()) === first + 1, () => "the new request was never shown");
    await page.keyboard.press("p");
    await page.locator("#live", { hasText: "paused" }).waitFor();
    await ask(proxy, "chat-small");
    await until(async () => (await json(proxy, "/requests.json")).requests.length === first + 2);
    assert.equal(await rows(), first + 1);
    await page.keyboard.press("p");
    await until(async () => (await rows()) === first + 2, () => "it did not go on");
  });
});

test("a page says that it is cut off, and goes on by itself", async () => {
  const lost = await transom(configured(sim.origin, MODELS));
  const page = await opened(browser, { viewport: WIDE });
  await page.goto(lost.pages);
  await page.locator("#live", { hasText: "live" }).waitFor();
  await lost.remove();
  await page.locator("#live", { hasText: "disconnected" }).waitFor();
  await page.context().close();
});

test("dark and light are chosen, with scripts and without, and stay so", async () => {
  for (const javaScriptEnabled of [true, false]) {
    await on("/requests", { javaScriptEnabled, colorScheme: "light" }, async (page) => {
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await ground();
      await page.getByRole("button", { name: "Show dark pages" }).click();
      await page.waitForURL("**/requests");
      assert.notEqual(await ground(), light);
      await page.goto(proxy.pages);
      assert.notEqual(await ground(), light);
    });
  }
});

test("a filter is an address that says the same without scripts", async () => {
  await on("/requests", { javaScriptEnabled: false }, async (page) => {
    await page.getByLabel("Model", { exact: true }).fill("chat-large");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.waitForURL(/model=chat-large/);
    const models = await page.locator("tbody td:nth-child(2)").allInnerTexts();
    assert.ok(models.length > 0 && models.every((model) => model.startsWith("chat-large")), `${models}`);
    await page.getByRole("link", { name: /^Without / }).click();
    assert.ok((await page.locator("tbody tr").count()) > models.length);
  });
});

const HOSTILE = '<img src=x onerror="window.owned=1">\u202egnp.exe\u001b[31mred\u0007 </p><script>window.owned=1</script>"\'{{7*7}}';

/** As hostile as a name of a model may be: control characters are refused. */
const NAME = HOSTILE.replace(/[\u001b\u0007\u202e]/g, "");

/** A model server that says hostile things wherever it can say something. */
async function hostile() {
  const server = http.createServer((request, answer) => {
    request.resume().on("end", () => {
      answer.writeHead(200, { "content-type": "application/json", "x-request-id": "javascript:alert(1)" });
      answer.end(JSON.stringify({
        id: HOSTILE, object: "chat.completion", created: 1, model: HOSTILE,
        choices: [{ index: 0, message: { role: "assistant", content: HOSTILE }, finish_reason: HOSTILE }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      }));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.origin = `http://127.0.0.1:${server.address().port}`;
  return server;
}

test("what strangers wrote is inert, and seen for what it is", async () => {
  const server = await hostile();
  const target = await transom(`[[upstream]]
name = "sim"
endpoints = ["${server.origin}"]
[[model]]
name = "chat"
aliases = ["*"]
targets = [{ upstream = "sim", model = "chat" }]
${CAPTURED}`);
  const { id, status } = await ask(target, NAME, { user: HOSTILE, messages: [{ role: "user", content: HOSTILE }] });
  assert.equal(status, 200);
  await until(async () => {
    const page = await (await fetch(`${target.pages}/requests/${id}`)).text();
    return page.includes("Conversation") && !page.includes("It was not captured");
  });
  const inert = async (page) => {
    const found = await page.evaluate(() => ({
      owned: window.owned,
      made: document.querySelectorAll("main img, main script").length,
      links: [...document.querySelectorAll("a[href]")]
        .filter((a) => !/^https?:$/.test(new URL(a.getAttribute("href"), location.href).protocol)).length,
      turned: /[\u202a-\u202e\u2066-\u2069\u001b\u0007]/.test(document.body.textContent),
    }));
    assert.deepEqual(found, { owned: undefined, made: 0, links: 0, turned: false }, page.url());
  };
  for (const path of ["/", "/requests", `/requests/${id}`, "/models", "/models/chat", "/captures",
    `/requests?model=${encodeURIComponent(NAME)}`, `/requests?q=${encodeURIComponent(HOSTILE)}`]) {
    await on(path, {}, inert, target.pages);
  }
  await on(`/requests/${id}`, {}, async (page) => {
    assert.match(await page.locator("main").innerText(), /<img src=x onerror=/, "it is shown as text");
  }, target.pages);
  await target.remove();
  server.close();
});
