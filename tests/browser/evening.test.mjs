// An evening at the pages, in a real browser.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Buyer, DESKTOP, PHONE, launch } from "./buyer.mjs";
import { House } from "./house.mjs";

let house, browser, concert, sale;

before(async () => {
  [house, browser] = await Promise.all([House.open("--max-active", "50"), launch()]);
  concert = await house.concert("Spring", { rows: 3, seats: 10 });
  sale = (await (await fetch(`${house.url}/api/v1/sales`)).json())[0].saleId;
});

after(async () => {
  await browser?.close();
  await house?.close();
});

const soldTo = async (buyer) => {
  const seats = await house.cli("export", "attendees", concert, "--format", "json");
  return seats.filter((seat) => seat.username === buyer.name).length;
};

for (const [what, options] of [
  ["desktop, English, light", { ...DESKTOP, locale: "en-GB", colorScheme: "light" }],
  ["phone, Korean, dark", { ...PHONE, locale: "ko-KR", colorScheme: "dark" }],
]) {
  test(`from sign-up to the ticket: ${what}`, async () => {
    const buyer = await Buyer.at(browser, house, options);
    await buyer.open("/");
    await buyer.isSound(`${what} home`);
    assert.equal(await buyer.page.getAttribute("html", "lang"), options.locale.slice(0, 2));
    await buyer.open("/log-in");
    await buyer.isSound(`${what} log-in`);
    await buyer.open("/sign-up");
    await buyer.isSound(`${what} sign-up`);
    await buyer.signUp(`/sales/${sale}`);
    await buyer.isSound(`${what} before the queue`);
    await buyer.join(sale);
    await buyer.turn();
    await buyer.isSound(`${what} turn`);
    await buyer.open(`/concerts/${concert}`);
    await buyer.page.waitForTimeout(500);
    await buyer.isSound(`${what} hall`);
    const order = await buyer.best(concert, 2);
    await buyer.isSound(`${what} held`);
    await buyer.open(`/wallet?next=/orders/${order}`);
    await buyer.isSound(`${what} wallet`);
    await buyer.pay(order);
    await buyer.isSound(`${what} paid`);
    await buyer.open("/orders");
    await buyer.isSound(`${what} orders`);
    await buyer.open("/tickets");
    await buyer.isSound(`${what} tickets`);
    assert.equal(await soldTo(buyer), 2);
    await buyer.close();
  });
}

test("without scripts, forms and a page that loads itself anew reach a paid order", async () => {
  const buyer = await Buyer.at(browser, house, { javaScriptEnabled: false });
  await buyer.signUp(`/sales/${sale}`);
  await buyer.join(sale);
  await buyer.turn();
  const order = await buyer.best(concert, 1);
  await buyer.pay(order);
  assert.equal(await soldTo(buyer), 1);
  await buyer.close();
});

test("a double click, the back button and a second tab pay once", async () => {
  const buyer = await Buyer.at(browser, house);
  await buyer.signUp(`/sales/${sale}`);
  await buyer.join(sale);
  await buyer.turn();
  const order = await buyer.best(concert, 1);
  await buyer.recharge(1_000, `/orders/${order}`);
  await buyer.open(`/orders/${order}`);
  const tab = await buyer.context.newPage();
  await tab.goto(`${house.url}/orders/${order}`);
  await buyer.send("/pay", (button) => button.dblclick());
  await buyer.page.goBack();
  if ((await buyer.page.locator('form[action$="/pay"]').count()) > 0) await buyer.send("/pay");
  await tab.locator('form[action$="/pay"] button').click();
  await tab.waitForLoadState();
  assert.equal(await soldTo(buyer), 1);
  assert.deepEqual((await house.cli("audit")).violations, []);
  await buyer.close();
});

test("a network that is cut and comes back loses no place, and the page says when it is not sure", async () => {
  const other = await house.cli("sale", "add", "Rush", "--max-active", "1", "--as", "tests");
  await house.concert("Rush", { sale: "Rush" });
  const [first, second] = [await Buyer.at(browser, house), await Buyer.at(browser, house)];
  for (const buyer of [first, second]) {
    await buyer.signUp(`/sales/${other.saleId}`);
    await buyer.join(other.saleId);
  }
  await first.turn();
  const place = second.page.locator("#queue-place");
  await place.waitFor();
  assert.equal((await place.textContent()).trim(), "1");
  await second.isSound("waiting");
  const note = await second.page.locator("#queue-note").textContent();
  await second.context.setOffline(true);
  await second.page.waitForFunction((before) => document.querySelector("#queue-note").textContent !== before, note, { timeout: 30_000 });
  await second.isSound("waiting without a network");
  await first.open(`/sales/${other.saleId}`);
  await first.send("/leave");
  await second.context.setOffline(false);
  await second.turn();
  assert.match(await second.page.title(), /turn/i);
  await first.close();
  await second.close();
});

test("a ticket's code is read from the page, lets its holder in once, and is stopped the second time", async () => {
  const buyer = await Buyer.at(browser, house, PHONE);
  await buyer.signUp(`/sales/${sale}`);
  await buyer.join(sale);
  await buyer.turn();
  await buyer.pay(await buyer.best(concert, 1));
  await buyer.open("/tickets");
  await buyer.page.locator('a[href^="/tickets/"]').last().click();
  const code = buyer.page.locator(".qr");
  await code.waitFor();
  await buyer.isSound("ticket");
  const picture = `${house.folder}/ticket.png`;
  await code.screenshot({ path: picture });
  const { stdout } = await promisify(execFile)("zbarimg", ["--quiet", "--raw", picture]);
  const payload = stdout.trim();
  assert.equal(payload, await code.getAttribute("data-payload"));
  assert.equal((await house.cli("ticket", "verify", payload)).valid, true);

  const { key } = await house.cli("key", "make", "--role", "gate", "--name", "north");
  const gate = await Buyer.at(browser, house);
  await gate.open("/door");
  await gate.isSound("door log-in");
  await gate.page.fill("#door-key", key);
  await gate.page.fill("#door-gate", "north");
  await gate.page.click("#door-form button");
  await gate.page.locator("#door-concert").waitFor();
  await gate.page.selectOption("#door-concert", concert);
  await gate.page.click("#door-form button");
  for (const [shown, nth] of [["in", 1], ["stop", 2]]) {
    await gate.page.fill("#door-code", payload);
    await gate.page.click("#door-scan button");
    await gate.page.locator(`#door-result.${shown}`).waitFor();
    await gate.isSound(`door ${nth}`);
    // The same code at once again counts as the same showing.
    await gate.page.waitForTimeout(4_000);
  }
  await gate.close();
  await buyer.close();
});

test("the operators' page takes a key and shows the figures", async () => {
  const { key } = await house.cli("key", "make", "--role", "operator", "--name", "ann");
  const desk = await Buyer.at(browser, house);
  await desk.open("/admin");
  await desk.isSound("admin log-in");
  await desk.page.locator("input[type=password]").fill(key);
  await desk.page.locator("form:has(input[type=password]) button").first().click();
  await desk.page.locator("canvas").first().waitFor();
  await desk.isSound("admin");
  await desk.close();
});
