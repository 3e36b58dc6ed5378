// An order by the keyboard alone: the focus is seen wherever it is, and never lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Buyer, PATIENCE_MS } from "./buyer.mjs";
import { openStage } from "./stage.mjs";

/** More stops than any of these pages has. */
const MOST_STOPS = 120;

// A hold that lasts less than a minute is in its last minute from the start.
const { browser, house, concert, sale } = await openStage({ rows: 2, seats: 10 }, "--hold-ttl", "55s");

/** Somebody with a keyboard and no mouse. */
class Typist {
  constructor(buyer) {
    this.buyer = buyer;
    this.page = buyer.page;
  }

  /** Where the focus is: never nowhere, never out of sight, never without a mark. */
  async seesFocus(after) {
    const found = await this.page.evaluate(() => {
      const at = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      const { left, top, width, height } = at.getBoundingClientRect();
      // Part of it may be out of view, as with a long list; what is seen of it is not covered.
      const [x, y] = [Math.max(0, left), Math.max(0, top)];
      const [right, bottom] = [Math.min(innerWidth, left + width), Math.min(innerHeight, top + height)];
      const above = document.elementFromPoint((x + right) / 2, (y + bottom) / 2);
      return {
        what: `${at.tagName.toLowerCase()}#${at.id}.${at.className} ${at.textContent.trim().slice(0, 30)}`,
        isLost: at === document.body,
        isMarked: at.id === "main" || (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2),
        isSeen: right > x && bottom > y && (at.contains(above) || (above?.contains(at) ?? false)),
      };
    });
    assert.deepEqual({ ...found, what: "" }, { what: "", isLost: false, isMarked: true, isSeen: true }, `${after}: ${found.what}`);
  }

  /** Goes by Tab, forwards or back, to what matches. */
  async to(selector) {
    const target = this.page.locator(selector).first();
    await target.waitFor();
    for (let stop = 0; stop < MOST_STOPS; stop++) {
      const way = await target.evaluate((element) => {
        const at = document.activeElement;
        if (at === element) return "there";
        return at.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING && at !== document.body ? "Shift+Tab" : "Tab";
      });
      if (way === "there") return;
      await this.page.keyboard.press(way);
      await this.seesFocus(`${way} on the way to ${selector}`);
    }
    assert.fail(`${selector} cannot be reached by Tab`);
  }

  async press(key) {
    await this.page.keyboard.press(key);
    await this.seesFocus(key);
  }

  /** Presses a key that leads to another page. Its first stop leads past what is on all pages, or is in the part that the address names. */
  async leaves(by, address) {
    const begun = await this.page.evaluate(() => (window.isOld = true));
    assert.ok(begun);
    await this.page.keyboard.press(by);
    await this.page.waitForFunction(() => !window.isOld && document.readyState === "complete");
    await this.page.waitForURL(address);
    // The plan comes after the page, and moves what is below it.
    if ((await this.page.locator("#hall").count()) > 0) await this.page.locator(".stage[data-drawn]").waitFor();
    if (await this.page.evaluate(() => document.activeElement !== document.body)) return this.seesFocus("a new page");
    await this.press("Tab");
    const isThere = await this.page.evaluate(() => {
      const at = document.activeElement;
      return location.hash ? document.querySelector(location.hash).contains(at) : at.className === "skip";
    });
    assert.ok(isThere, `the first stop on ${this.page.url()}`);
  }

  async follows(selector, address) {
    await this.to(selector);
    await this.leaves("Enter", address);
  }
}

test("by the keyboard alone: sign up, queue, two seats, more time, pay, the ticket", async () => {
  const buyer = await Buyer.at(browser, house);
  const { page } = buyer;
  const typist = new Typist(buyer);
  await buyer.open("/");
  await typist.follows('a[href="/sign-up"]', "**/sign-up");
  for (const [field, words] of [["username", buyer.name], ["password", "correct horse battery staple"]]) {
    await typist.to(`input[name=${field}]`);
    await page.keyboard.type(words);
  }
  await typist.leaves("Enter", (url) => url.pathname === "/");
  await typist.follows(`a.button[href="/sales/${sale}"]`, "**/sales/*");
  await typist.follows('form[action$="/join"] button', "**/sales/*");
  await buyer.turn();
  await typist.follows(`#concerts ~ .concerts a[href="/concerts/${concert}"]`, "**/concerts/*");

  // One seat from the lists.
  await page.locator(".stage[data-drawn]").waitFor();
  await typist.follows("#choose tbody a", /section=/);
  await typist.follows("#choose tbody a", /row=/);
  await page.locator(".stage[data-drawn]").waitFor();
  const chosen = page.locator(".chosen li");
  await typist.to("#choose input[name=seat]");
  await typist.press("Space");
  await chosen.first().waitFor();
  // Another one from the plan: the seat beside it, and one that is put back.
  await typist.to(".stage");
  for (const key of ["ArrowRight", "Enter", "ArrowRight", "Enter"]) await typist.press(key);
  assert.equal(await chosen.count(), 3);
  await typist.to(".chosen li:last-child button");
  await typist.press("Enter");
  assert.equal(await chosen.count(), 2);
  await buyer.isSound("chosen by keys");
  await typist.to("#hold");
  await typist.leaves("Enter", "**/orders/*");

  // The page warns that little time is left, and the key that gives more is Enter.
  await page.waitForFunction(() => document.activeElement.id === "more-time", null, { timeout: PATIENCE_MS });
  await typist.seesFocus("the warning");
  await buyer.isSound("last minute");
  const until = () => page.locator("#order").getAttribute("data-until").then(Date.parse);
  const before = await until();
  await typist.leaves("Enter", "**/orders/*");
  assert.ok((await until()) - before > 30_000, "there is more time");

  await typist.follows('a[href^="/wallet?"]', /\/wallet\?/);
  await typist.to("input[name=amount]");
  await typist.press("Control+A");
  await page.keyboard.type("500");
  await typist.leaves("Enter", "**/orders/*");
  await typist.follows('form[action$="/pay"] button', "**/orders/*");
  await typist.follows('main a[href="/tickets"]', "**/tickets");
  await typist.follows('main a[href^="/tickets/"]', "**/tickets/*");
  await page.locator(".qr").waitFor();
  const seats = await house.cli("export", "attendees", concert, "--format", "json");
  assert.equal(seats.filter(({ username }) => username === buyer.name).length, 2);
  await buyer.close();
});
