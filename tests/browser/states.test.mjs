// What the pages say where something is refused, over or called off: in plain words, and for everybody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Buyer, DESKTOP, PHONE } from "./buyer.mjs";
import { openStage } from "./stage.mjs";

const { browser, house, concert, sale } = await openStage({ rows: 3, seats: 10 });

/** Somebody else takes seats, past the queue. */
async function rivalTakes(...seats) {
  const rival = await house.cli("user", "create", `rival${seats[0]}x${Date.now()}`);
  await house.cli("hold", rival.userId, "--concert", concert, "--seats", seats.join(","), "--bypass-queue", "--as", "tests");
}

async function isTrouble(buyer, code, state) {
  const trouble = buyer.page.locator("#trouble");
  await trouble.waitFor();
  assert.equal(await trouble.getAttribute("data-code"), code);
  if (state) await buyer.isSound(state);
}

const box = (buyer, seat) => buyer.page.locator(`#choose input[name=seat][value="${seat}"]`);

/** Opens the list of the first row, and chooses its first free seat there. Returns the seat's number. */
async function choosesInRow(buyer, isDrawn = true) {
  await buyer.open(`/concerts/${concert}?section=Front&row=1`);
  if (isDrawn) await buyer.page.locator(".stage[data-drawn]").waitFor();
  const seat = await buyer.page.locator("#choose input[name=seat]:enabled").first().getAttribute("value");
  await box(buyer, seat).check();
  if (isDrawn) await buyer.page.locator(".chosen li").waitFor();
  return seat;
}

for (const [what, options] of [
  ["desktop, English, dark", { ...DESKTOP, locale: "en-GB", colorScheme: "dark" }],
  ["phone, Korean, light", { ...PHONE, locale: "ko-KR", colorScheme: "light" }],
]) {
  test(`a seat that another one was faster at: ${what}`, async () => {
    const buyer = await Buyer.at(browser, house, options);
    const { page } = buyer;
    await buyer.signUpToTurn(sale);
    // Taken while it is chosen: the plan says so at once.
    const first = await choosesInRow(buyer);
    await rivalTakes(first);
    await page.locator("#hall .trouble").waitFor();
    assert.equal(await box(buyer, first).isDisabled(), true);
    await buyer.isSound(`${what} seat lost`);
    // Taken where the plan has not heard of it: the hold is refused.
    await page.route("**/plan/state", (route) => (/event-stream/.test(route.request().headers().accept) ? route.abort() : route.continue()));
    await rivalTakes(await choosesInRow(buyer));
    await page.click("#hold");
    await page.locator("#hall .trouble").waitFor();
    assert.equal(await page.locator(".chosen li").count(), 0);
    await buyer.isSound(`${what} hold refused`);
    await buyer.close();
  });

  test(`a turn that ends in the middle of paying, and orders in every state: ${what}`, async () => {
    const buyer = await Buyer.at(browser, house, options);
    await buyer.open("/orders");
    await buyer.signUpToTurn(sale);
    await buyer.open("/orders");
    await buyer.isSound(`${what} no orders`);
    const paid = await buyer.best(concert, 1);
    await buyer.pay(paid);
    const [{ paymentId }] = (await house.cli("export", "payments", concert, "--format", "json")).filter(({ username }) => username === buyer.name);
    const given = await buyer.best(concert, 1);
    await buyer.send("/give-back");
    await buyer.isSound(`${what} given back`);
    const order = await buyer.best(concert, 1);
    assert.notEqual(given, order);
    await buyer.page.locator('form[action$="/pay"]').waitFor();
    await house.cli("token", "expire", buyer.name, "--yes", "--as", "tests");
    await buyer.send("/pay");
    await isTrouble(buyer, "TOKEN_NOT_ACTIVE", `${what} turn over while paying`);
    await buyer.open(`/orders/${order}`);
    await buyer.isSound(`${what} order after the turn`);
    await house.cli("refund", paymentId, "--reason", "ill", "--yes", "--as", "tests");
    await buyer.open(`/orders/${paid}`);
    await buyer.isSound(`${what} refunded`);
    await buyer.open("/orders");
    assert.equal(await buyer.page.locator("main .concerts li").count(), 3);
    await buyer.isSound(`${what} orders in all states`);
    assert.deepEqual((await house.cli("audit")).violations, []);
    await buyer.close();
  });

  test(`a sale that is over, and one to come: ${what}`, async () => {
    const name = `Over ${what}`;
    const over = await house.cli("sale", "add", name, "--as", "tests");
    await house.concert(`At ${what}`, { sale: name });
    await house.cli("sale", "set", name, "--closes", "now", "--as", "tests");
    const next = await house.cli("sale", "add", `Next ${what}`, "--doors", "2031-03-05T19:00:00+09:00", "--opens", "2031-03-05T20:00:00+09:00", "--as", "tests");
    const buyer = await Buyer.at(browser, house, options);
    await buyer.open(`/sales/${over.saleId}`);
    assert.equal(await buyer.page.locator('form[action$="/join"]').count(), 0);
    await buyer.isSound(`${what} sale over`);
    await buyer.signUp(`/sales/${over.saleId}`);
    assert.equal(await buyer.page.locator('form[action$="/join"]').count(), 0);
    await buyer.isSound(`${what} sale over for somebody`);
    await buyer.open(`/sales/${next.saleId}`);
    await buyer.isSound(`${what} sale to come`);
    await buyer.open("/");
    await buyer.isSound(`${what} all sales`);
    await buyer.open("/nothing-here");
    await buyer.isSound(`${what} no page`);
    await buyer.close();
  });

  test(`a concert that is called off: ${what}`, async () => {
    const buyer = await Buyer.at(browser, house, options);
    const storm = await house.concert(`Storm ${what}`);
    await buyer.signUpToTurn(sale);
    const order = await buyer.best(storm, 1);
    await buyer.pay(order);
    await buyer.open("/tickets");
    const ticket = await buyer.page.locator('a[href^="/tickets/"]').first().getAttribute("href");
    const held = await buyer.best(storm, 1);
    await house.cli("concert", "cancel", storm, "--reason", "storm", "--yes", "--as", "tests");
    await buyer.send("/pay");
    await isTrouble(buyer, "CONCERT_CANCELLED", `${what} paying for what is called off`);
    for (const [path, state] of [
      [`/concerts/${storm}`, "concert called off"],
      [`/orders/${held}`, "order called off"],
      [ticket, "ticket called off"],
      ["/tickets", "tickets called off"],
    ]) {
      await buyer.open(path);
      await buyer.isSound(`${what} ${state}`);
    }
    await buyer.close();
  });
}

test("without scripts, too, a seat that another one was faster at is refused in plain words", async () => {
  const buyer = await Buyer.at(browser, house, { javaScriptEnabled: false });
  await buyer.signUpToTurn(sale);
  await rivalTakes(await choosesInRow(buyer, false));
  await buyer.send("/hold");
  await isTrouble(buyer, "SEAT_ALREADY_RESERVED");
  await buyer.close();
});

test("a hold whose answer is lost is asked for once more, and leads to its order", async () => {
  const buyer = await Buyer.at(browser, house);
  const { page } = buyer;
  await buyer.signUpToTurn(sale);
  const seat = await choosesInRow(buyer);
  // The server carries it out, and the page hears of it by the plan alone.
  await page.route("**/api/v1/reservations", async (route) => {
    await route.fetch();
    await page.waitForFunction((number) => document.querySelector(`#choose input[name=seat][value="${number}"]`).disabled, seat);
    await route.abort();
  });
  await page.click("#hold");
  await page.locator("#hall .trouble").waitFor();
  assert.equal(await page.locator(".chosen li").count(), 1, "it may be held by this very call");
  await page.unroute("**/api/v1/reservations");
  await Promise.all([page.waitForURL("**/orders/*"), page.click("#hold")]);
  await page.locator("#order").waitFor();
  await buyer.close();
});

test("a turn that is over when seats are held leads back to the queue", async () => {
  const buyer = await Buyer.at(browser, house);
  const { page } = buyer;
  await buyer.signUpToTurn(sale);
  await choosesInRow(buyer);
  await house.cli("token", "expire", buyer.name, "--yes", "--as", "tests");
  await Promise.all([page.waitForEvent("load"), page.click("#hold")]);
  await page.locator(`main a[href="/sales/${sale}"]`).first().waitFor();
  await buyer.close();
});

test("the plan and the list are one basket: it goes along through the list, and either button holds all of it", async () => {
  const buyer = await Buyer.at(browser, house);
  const { page } = buyer;
  await buyer.signUpToTurn(sale);
  const first = await choosesInRow(buyer);
  await page.goto(`${house.url}/concerts/${concert}?section=Front&row=2`);
  await page.locator(".stage[data-drawn]").waitFor();
  assert.equal(await page.locator(".chosen li").count(), 1, "chosen in another row");
  const second = await page.locator("#choose input[name=seat]:enabled").first().getAttribute("value");
  await box(buyer, second).check();
  assert.equal(await page.locator(".chosen li").count(), 2);
  const [inPlan, inList] = [page.locator("#hold"), page.locator("#choose form button")];
  assert.equal(await inList.textContent(), await inPlan.textContent());
  await page.locator(".chosen button").first().click();
  await page.locator(".chosen li").nth(1).waitFor({ state: "detached" });
  await box(buyer, second).check();
  await page.goto(`${house.url}/concerts/${concert}?section=Front&row=1`);
  await page.locator(".stage[data-drawn]").waitFor();
  if (!(await box(buyer, first).isChecked())) await box(buyer, first).check();
  await buyer.isSound("one basket");
  await Promise.all([page.waitForURL("**/orders/*"), page.locator("#choose form button").click()]);
  const held = await page.locator("main tbody th").allTextContents();
  assert.deepEqual(held.map((seat) => seat.match(/\d+$/)[0]).sort(), [first, second].sort());
  await buyer.hall(concert);
  assert.equal(await page.locator(".chosen li").count(), 0, "it was held");
  await buyer.close();
});

test("back after a form that was refused leads to its page, and the language that is switched there keeps the name that is typed", async () => {
  const buyer = await Buyer.at(browser, house);
  const { page } = buyer;
  await buyer.open("/log-in?next=/orders");
  await page.fill("input[name=username]", "nobody");
  await page.fill("input[name=password]", "correct horse");
  await buyer.send("/log-in");
  await isTrouble(buyer, "BAD_CREDENTIALS");
  await buyer.open("/");
  await page.goBack();
  assert.equal(new URL(page.url()).pathname, "/log-in");
  await page.locator("input[name=username]").waitFor();
  await page.fill("input[name=username]", "anna");
  await page.click("a.language");
  await page.locator("html[lang=ko]").waitFor();
  assert.equal(await page.inputValue("input[name=username]"), "anna");
  assert.equal(await page.locator("input[name=next]").getAttribute("value"), "/orders");
  await buyer.close();
});

test("the states of all seats are sent once when a hall is opened", async () => {
  const buyer = await Buyer.at(browser, house);
  const { page } = buyer;
  const kinds = [];
  page.on("request", async (request) => {
    if (!/\/plan\/state$/.test(request.url())) return;
    const { accept, "if-none-match": known } = await request.allHeaders();
    kinds.push(/event-stream/.test(accept) ? `stream from ${known ? "known states" : "nothing"}` : "states");
  });
  const followed = page.waitForRequest((request) => /event-stream/.test(request.headers().accept ?? ""));
  await buyer.hall(concert);
  await followed;
  await page.locator("#hall-note", { hasText: "live" }).waitFor();
  assert.deepEqual(kinds, ["states", "stream from known states"]);
  await buyer.close();
});
