// A box office for one test file: the real server on a private database of its own, and the real CLI.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = new URL("../..", import.meta.url).pathname;
const bin = process.env.CONCERT_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug");

/** How long the server may take to begin, in milliseconds. Making a database takes some seconds. */
const LONGEST_START_MS = 120_000;

/** A port that is free now. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class House {
  /** Starts a server with these options beside its own. */
  static async open(...options) {
    const house = new House();
    house.folder = await mkdtemp(join(tmpdir(), "concert-browser-"));
    house.options = options;
    house.port = await freePort();
    house.url = `http://127.0.0.1:${house.port}`;
    try {
      await house.start();
    } catch (error) {
      await house.close();
      throw error;
    }
    return house;
  }

  async start() {
    const options = ["--listen", `127.0.0.1:${this.port}`, "--data-dir", `${this.folder}/data`, ...this.options];
    const env = { ...process.env, RUST_LOG: "warn", LANG: "C" };
    delete env.DATABASE_URL;
    this.server = spawn(join(bin, "concert-server"), options, { stdio: ["ignore", "inherit", "inherit"], env });
    let failure = null;
    this.server.once("error", (error) => (failure = error));
    const begun = Date.now();
    for (;;) {
      const ready = await fetch(`${this.url}/health/ready`).then((answer) => answer.ok, () => false);
      if (ready) return;
      if (failure) throw failure;
      if (this.server.exitCode !== null || Date.now() - begun > LONGEST_START_MS) throw new Error("the server does not begin");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop() {
    if (this.server.pid === undefined || this.server.exitCode !== null) return;
    const ended = new Promise((resolve) => this.server.once("exit", resolve));
    this.server.kill("SIGTERM");
    await ended;
  }

  async close() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What a command of the CLI says, as JSON. */
  async cli(...options) {
    const env = { ...process.env, CONCERT_DATA_DIR: `${this.folder}/data`, LANG: "C" };
    delete env.DATABASE_URL;
    const { stdout } = await run(join(bin, "concert-cli"), ["--output", "json", ...options], { env });
    return JSON.parse(stdout);
  }

  /** The answer of a call of the REST interface, as JSON; with `body`, a POST. */
  async rest(path, { key, body } = {}) {
    const headers = { Accept: "application/json", ...(key && { Authorization: `Bearer ${key}` }), ...(body && { "Content-Type": "application/json" }) };
    const answer = await fetch(this.url + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
    return answer.json();
  }

  /** The first sale that there is: the one that is always open. */
  async sale() {
    return (await this.rest("/api/v1/sales"))[0].saleId;
  }

  /** Puts a concert on sale: two sections with rows of ten, the front one dearer, or `sections` as TOML. Returns its id. */
  async concert(name, { sale, rows = 2, seats = 10, sections } = {}) {
    const file = `${this.folder}/${name}.toml`;
    const section = (title, price, from) => {
      const named = Array.from({ length: rows }, (_, nth) => `{ name = "${from + nth}", seats = ${seats} }`);
      return `[[sections]]\nname = "${title}"\nprice = ${price}\nrows = [${named.join(", ")}]\n`;
    };
    sections ??= section("Front", 120, 1) + section("Back", 80, 1 + rows);
    const day = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
    const head = `name = "${name}"\ndate = ${day}\nstarts_at = 20:00:00\ntime_zone = "Asia/Seoul"\n`;
    await writeFile(file, head + sections);
    const added = await this.cli("concert", "add", file, ...(sale ? ["--sale", sale] : []), "--as", "tests");
    return added.concertId;
  }
}
