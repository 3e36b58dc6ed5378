// What a person does on the pages, by what the pages have in every language: addresses, names of fields, ids.
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const root = new URL("../..", import.meta.url).pathname;
const shots = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "pages");

export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
export const DESKTOP = { viewport: { width: 1280, height: 900 } };

/** The longest that anything on a page is waited for, in milliseconds: the machine may be compiling beside. */
export const PATIENCE_MS = 60_000;
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/google-chrome"];

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path)),
    timeout: PATIENCE_MS,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });

let names = 0;

export class Buyer {
  /** A person at a browser of their own. */
  static async at(browser, house, options = {}) {
    const buyer = new Buyer();
    buyer.house = house;
    buyer.name = `${options.name ?? "buyer"}${process.pid}x${++names}`;
    const { name, ...context } = options;
    buyer.context = await browser.newContext({ locale: "en-GB", ...DESKTOP, ...context });
    buyer.context.setDefaultTimeout(PATIENCE_MS);
    buyer.page = await buyer.context.newPage();
    buyer.faults = [];
    // A refusal by the content security policy, an exception, a file that is not there.
    buyer.page.on("pageerror", (error) => buyer.faults.push(String(error)));
    buyer.page.on("console", (message) => {
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) buyer.faults.push(message.text());
    });
    return buyer;
  }

  open(path) {
    return this.page.goto(this.house.url + path);
  }

  async signUp(next = "/") {
    await this.open(`/sign-up?next=${encodeURIComponent(next)}`);
    await this.page.fill("input[name=username]", this.name);
    await this.page.fill("input[name=password]", "correct horse battery staple");
    await this.send("/sign-up");
  }

  /** Sends the form of an address, and waits for the page that comes. */
  async send(action, click = (button) => button.click()) {
    const form = this.page.locator(`form[action$="${action}"]`).first();
    await Promise.all([this.page.waitForNavigation({ waitUntil: "load" }), click(form.locator("button").first())]);
  }

  async join(sale) {
    await this.open(`/sales/${sale}`);
    await this.send("/join");
  }

  /** Waits until the page of the sale says that it is this person's turn. */
  async turn() {
    await this.page.locator("#turn").waitFor();
  }

  /** To a person's turn in a sale, from nothing. */
  async signUpToTurn(sale) {
    await this.signUp(`/sales/${sale}`);
    await this.join(sale);
    await this.turn();
  }

  /** Opens a concert, and waits until its hall is drawn. */
  async hall(concert) {
    await this.open(`/concerts/${concert}`);
    await this.page.locator(".stage[data-drawn]").waitFor();
  }

  async best(concert, count = 2) {
    await this.open(`/concerts/${concert}`);
    await this.page.selectOption("select[name=count]", String(count));
    const form = this.page.locator("form", { has: this.page.locator("select[name=count]") });
    await Promise.all([this.page.waitForURL(/\/orders\//), form.locator("button").click()]);
    return this.page.url().split("/").pop();
  }

  async pay(order) {
    if ((await this.page.locator('form[action$="/pay"]').count()) === 0) await this.recharge(1_000, `/orders/${order}`);
    await this.open(`/orders/${order}`);
    await this.send("/pay");
  }

  async recharge(amount, next = "/wallet") {
    await this.open(`/wallet?next=${encodeURIComponent(next)}`);
    await this.page.fill("input[name=amount]", String(amount));
    await this.send("/wallet/recharge");
  }

  /** Nothing that WCAG 2.2 AA or good practice forbids is on the page, nothing went wrong on it; and a picture of it is kept. */
  async isSound(state) {
    // What moves is in its place.
    await this.page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
    await mkdir(shots, { recursive: true });
    await this.page.screenshot({ path: join(shots, `${state.replaceAll(/[^\p{L}\p{N}]+/gu, "-")}.png`), fullPage: true });
    // There are no frames, so everything is done in the page itself.
    const axe = new AxeBuilder({ page: this.page }).options({ resultTypes: ["violations"] }).setLegacyMode();
    const found = await axe.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
    const violations = found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
    assert.deepEqual(violations, [], state);
    assert.deepEqual(this.faults, [], state);
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, `${state}: wider than the screen`);
  }

  close() {
    return this.context.close();
  }
}
