// An evening at the pages, in a real browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Buyer, DESKTOP, PHONE } from "./buyer.mjs";
import { openStage } from "./stage.mjs";

const { browser, house, concert, sale } = await openStage({ rows: 3, seats: 10 });

const soldTo = async (buyer) => {
  const seats = await house.cli("export", "attendees", concert, "--format", "json");
  return seats.filter((seat) => seat.username === buyer.name).length;
};

const phone = { ...PHONE, locale: "ko-KR", colorScheme: "dark" };
for (const [what, options] of [
  ["desktop, English, light", { ...DESKTOP, locale: "en-GB", colorScheme: "light" }],
  ["phone, Korean, dark", phone],
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
    await buyer.hall(concert);
    await buyer.isSound(`${what} hall`);
    assert.equal(await buyer.page.locator("#hall-help .keys").isVisible(), options !== phone, "phones are told of no keys");
    await buyer.open(`/concerts/${concert}?section=Front&row=1`);
    await buyer.isSound(`${what} list`);
    const order = await buyer.best(concert, 2);
    await buyer.isSound(`${what} held`);
    await buyer.open(`/wallet?next=/orders/${order}`);
    await buyer.isSound(`${what} wallet`);
    await buyer.pay(order);
    await buyer.isSound(`${what} paid`);
    await buyer.open("/wallet");
    await buyer.isSound(`${what} wallet with entries`);
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
  await buyer.signUpToTurn(sale);
  const order = await buyer.best(concert, 1);
  await buyer.pay(order);
  assert.equal(await soldTo(buyer), 1);
  await buyer.close();
});

test("a double click, the back button and a second tab pay once", async () => {
  const buyer = await Buyer.at(browser, house);
  await buyer.signUpToTurn(sale);
  const order = await buyer.best(concert, 1);
  await buyer.recharge(1_000, `/orders/${order}`);
  await buyer.open(`/orders/${order}`);
  const tab = await buyer.context.newPage();
  await tab.goto(`${house.url}/orders/${order}`);
  await buyer.send("/pay", (button) => button.dblclick());
  await buyer.page.goBack();
  if ((await buyer.page.locator('form[action$="/pay"]').count()) > 0) await buyer.send("/pay");
  await Promise.all([tab.waitForNavigation(), tab.locator('form[action$="/pay"] button').click()]);
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
  await second.context.setOffline(true);
  await second.page.locator("#queue-note.unsure").waitFor();
  await second.isSound("waiting without a network");
  await first.open(`/sales/${other.saleId}`);
  await first.send("/leave");
  await second.context.setOffline(false);
  await second.turn();
  await second.page.waitForFunction(() => /turn/i.test(document.title));
  await first.close();
  await second.close();
});

test("a turn that begins while the page cannot be had is shown as soon as it can", async () => {
  const other = await house.cli("sale", "add", "Blip", "--max-active", "1", "--as", "tests");
  const [first, second] = [await Buyer.at(browser, house), await Buyer.at(browser, house)];
  await first.signUpToTurn(other.saleId);
  await second.signUp(`/sales/${other.saleId}`);
  await second.join(other.saleId);
  await second.page.locator("#queue-place").waitFor();
  let failed = 0;
  await second.page.route(`**/sales/${other.saleId}`, (route) => (++failed > 2 ? route.continue() : route.abort()));
  await house.cli("token", "expire", first.name, "--sale", other.saleId, "--yes", "--as", "tests");
  await second.turn();
  assert.equal(failed, 3, "it was asked for until it was there");
  await first.close();
  await second.close();
});

for (const [what, end] of [
  ["by an operator", (buyer) => house.cli("user", "end-sessions", buyer.name, "--as", "tests")],
  ["by a log-out in another tab", async (buyer) => {
    const tab = await buyer.context.newPage();
    await tab.goto(`${house.url}/wallet`);
    await tab.click('form[action="/log-out"] button');
    await tab.close();
  }],
]) {
  test(`a session that ends while its user waits is told at once, and the log-in leads back to the place: ${what}`, async () => {
    const other = await house.cli("sale", "add", `End ${what}`, "--max-active", "1", "--as", "tests");
    const [first, second] = [await Buyer.at(browser, house), await Buyer.at(browser, house)];
    await first.signUpToTurn(other.saleId);
    await second.signUp(`/sales/${other.saleId}`);
    await second.join(other.saleId);
    const { page } = second;
    await page.locator("#queue-place").waitFor();
    await end(second);
    await page.locator("#logged-out").waitFor();
    await page.waitForFunction(() => /logged out/.test(document.title));
    await second.isSound(`logged out ${what}`);
    await page.locator("main a.button", { hasText: "Log in" }).click();
    await page.fill("input[name=username]", second.name);
    await page.fill("input[name=password]", "correct horse battery staple");
    await second.send("/log-in");
    assert.equal((await page.locator("#queue-place").textContent()).trim(), "1");
    await first.close();
    await second.close();
  });
}
