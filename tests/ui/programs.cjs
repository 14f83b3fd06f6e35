// The programs under test: Transom, its simulated models, and traffic through it.
// Must not know: pages or browsers.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const PATIENCE = 20_000;

/** Those that run: a test that fails leaves none behind. */
const running = new Set();
process.on("exit", () => running.forEach((program) => program.child.kill("SIGKILL")));

/** A program that is ended with the test, by its own id. */
class Program {
  constructor(args, words) {
    this.said = "";
    this.child = spawn(process.env.TRANSOM_BIN, args, { stdio: ["ignore", "pipe", "pipe"] });
    running.add(this);
    this.gone = new Promise((resolve) => this.child.once("exit", resolve)).then(() => running.delete(this));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (bytes) => { this.said = (this.said + bytes).slice(-100_000); });
    }
    this.words = words;
  }

  /** What the expressions found in what it says, once all of them do. */
  async ready() {
    return until(() => {
      if (this.child.exitCode !== null) throw new Error(`it has ended:\n${this.said}`);
      const found = this.words.map((words) => this.said.match(words)?.[1]);
      return found.every(Boolean) && found;
    }, () => `it never said ${this.words}:\n${this.said}`);
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.gone;
  }
}

/** Waits until `holds` gives something true, and returns it. */
async function until(holds, what = () => "it never was so") {
  for (const end = Date.now() + PATIENCE; Date.now() < end;) {
    const found = await holds();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(what());
}

/** `count` names: model-001, model-002 … */
const names = (count) =>
  Array.from({ length: count }, (_, at) => `model-${String(at + 1).padStart(3, "0")}`);

/** A simulated model server for these models; `args` are those of `transom sim`. */
async function simulated(models, ...args) {
  const sim = new Program(
    ["sim", "--listen", "127.0.0.1:0", "--models", models.join(",") || "none", ...args],
    [/on (http:\S+)\/v1/],
  );
  [sim.origin] = await sim.ready();
  return sim;
}

/**
 * Transom with `config` (TOML behind `[server]`), in a directory of its own.
 * `origin` is where clients connect to, `pages` where the pages are.
 */
async function transom(config, directory = fs.mkdtempSync(path.join(os.tmpdir(), "transom-ui-"))) {
  const file = path.join(directory, "transom.toml");
  fs.writeFileSync(file, `[server]
listen = ["127.0.0.1:0"]
admin = "127.0.0.1:0"
data_dir = ${JSON.stringify(path.join(directory, "data"))}
${config}`);
  const proxy = new Program(
    ["serve", "--config", file],
    [/connect to +(http:\S+)\/v1/, /metrics +(http:\S+)/],
  );
  [proxy.origin, proxy.pages] = await proxy.ready();
  proxy.directory = directory;
  proxy.remove = async () => {
    await proxy.stop();
    fs.rmSync(directory, { recursive: true });
  };
  return proxy;
}

/** The tables of an upstream and of models there. */
function configured(upstream, models, { more = "" } = {}) {
  const model = (name) => `[[model]]
name = ${JSON.stringify(name)}
targets = [{ upstream = "sim", model = ${JSON.stringify(name)} }]
price = { input = 0.5, output = 1.5 }
`;
  return `[[upstream]]
name = "sim"
endpoints = ["${upstream}"]
${models.map(model).join("")}${more}`;
}

/** Asks a model something, and reads the answer to its end. Returns its status and request id. */
async function ask(proxy, model, more = {}) {
  const { headers = {}, ...body } = more;
  const answer = await fetch(`${proxy.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Name a colour." }], ...body }),
  });
  await answer.text();
  return { status: answer.status, id: answer.headers.get("x-request-id") };
}

/** The JSON of an address on the admin listener. */
async function json(proxy, address) {
  const answer = await fetch(proxy.pages + address, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

module.exports = { ask, configured, json, names, simulated, transom, until };
