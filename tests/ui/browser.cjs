// A real browser, and what is asked of every page in it.
// Must not know: what a page is about.
"use strict";

const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");

/** Rules of WCAG 2.2 AA, and good practice beside them. */
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

/** A page whose complaints are kept in `page.complaints`: of scripts, of the policy, of files that are missing. */
async function opened(browser, options = {}) {
  // The checks of accessibility are a script of our own, which the pages' policy rightly refuses.
  const context = await browser.newContext({ bypassCSP: options.bypassCSP ?? false, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (said) => {
    if (["error", "warning"].includes(said.type())) page.complaints.push(said.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("dialog", (dialog) => { page.complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("response", (answer) => {
    if (answer.status() >= 400) page.complaints.push(`${answer.status()} ${answer.url()}`);
  });
  return page;
}

/** Same-origin pages that `page` links to, as paths. */
async function links(page) {
  const found = await page.$$eval("a[href], tr[data-href]", (all) =>
    all.map((one) => new URL(one.getAttribute("href") ?? one.dataset.href, location.href))
      .filter((url) => url.origin === location.origin)
      .map((url) => url.pathname + url.search));
  return [...new Set(found)];
}

/** What axe finds, in words. */
async function violations(page, rules = null) {
  if (!(await page.evaluate(() => "axe" in window))) await page.addScriptTag({ path: axe });
  const options = { runOnly: rules ? { type: "rule", values: rules } : { type: "tag", values: TAGS } };
  const found = await page.evaluate((given) => axe.run(document, given), options);
  return found.violations.map(({ id, nodes }) =>
    `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join("\n   ")}`);
}

/** What stands beyond the right edge of the window, in words; what may be wider scrolls by itself. */
async function fits(page) {
  const wide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return null;
    const beyond = [...document.body.querySelectorAll("*")].find((one) =>
      one.getBoundingClientRect().right > room + 1 && !one.closest(".scroll, .picture"));
    return `${document.documentElement.scrollWidth} > ${room}: ${beyond?.outerHTML.slice(0, 300)}`;
  });
  return wide ? [`it is too wide: ${wide}`] : [];
}

module.exports = { fits, launch, links, opened, violations };
