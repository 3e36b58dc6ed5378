// The operators' page: figures, a sale that is paused and paced, a hall whose seats are asked about, a concert called off.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Buyer, launch } from "./buyer.mjs";
import { PRICES, eventually, legend, markedHall, middleOf, rests } from "./canvas.mjs";
import { House } from "./house.mjs";

let house, browser, concert, other, sale, buyer, colours;

before(async () => {
  browser = await launch();
  house = await House.open("--max-active", "50");
  concert = await house.concert("Marked", { sections: markedHall() });
  other = await house.concert("Other");
  sale = await house.sale();
  buyer = await Buyer.at(browser, house);
  await buyer.signUpToTurn(sale);
  await buyer.hall(concert);
  colours = await legend(buyer.page);
});

after(async () => {
  await browser?.close();
  await house?.close();
});

/** Somebody at the desk. */
async function deskOf(name) {
  const { key } = await house.cli("key", "make", "--role", "operator", "--name", name);
  const desk = await Buyer.at(browser, house);
  await desk.open("/admin");
  await desk.page.fill("#key", key);
  await desk.page.click("#log-in-form button");
  await desk.page.locator("#desk").waitFor();
  return desk;
}

test("the operators' page takes a key and shows the figures", async () => {
  const desk = await Buyer.at(browser, house);
  await desk.open("/admin");
  await desk.isSound("admin log-in");
  await desk.page.fill("#key", "concert_nobody");
  await desk.page.click("#log-in-form button");
  await desk.page.locator("#log-in-trouble").waitFor();
  await desk.isSound("admin refused");
  await desk.close();
  const ann = await deskOf("ann");
  await ann.page.locator("#plot-queue canvas").waitFor();
  await ann.isSound("admin");
  await ann.close();
});

test("the desk learns its role without a call that fails", async () => {
  const { key } = await house.cli("key", "make", "--role", "viewer", "--name", "eve");
  const desk = await Buyer.at(browser, house, { locale: "ko-KR" });
  const refused = [];
  desk.page.on("response", (answer) => answer.status() >= 400 && refused.push(`${answer.request().method()} ${answer.url()}`));
  await desk.open("/admin");
  await desk.page.fill("#key", key);
  await desk.page.click("#log-in-form button");
  await desk.page.locator("#desk").waitFor();
  assert.equal(await desk.page.locator("#role").textContent(), "조회");
  assert.equal(await desk.page.locator("#sale-form button").isDisabled(), true);
  assert.deepEqual(refused, []);
  await desk.close();
});

test("at the desk a sale is paused, paced and goes on, as the CLI sees it", async () => {
  const desk = await deskOf("ben");
  const { page } = desk;
  await page.click("#tab-sales");
  await page.waitForFunction(() => document.querySelector("#sale-state").textContent !== "");
  const saves = async () => {
    const before = await page.locator("#sale-state").textContent();
    await page.click("#sale-form button");
    await page.waitForFunction((before) => document.querySelector("#sale-state").textContent !== before, before);
    await page.locator("#sale-done", { hasText: "Saved" }).waitFor();
    return house.cli("sale", "show", sale);
  };
  await page.check("#paused");
  await page.fill("#perMinute", "7");
  const then = await saves();
  assert.deepEqual([then.paused, then.perMinute], [true, 7]);
  await desk.isSound("admin sales");
  await page.uncheck("#paused");
  await page.fill("#perMinute", "");
  const now = await saves();
  assert.deepEqual([now.paused, now.perMinute ?? null], [false, null]);
  const log = await house.cli("log");
  assert.ok(JSON.stringify(log).includes("ben"));
  await desk.close();
});

test("at the desk a click on a seat says who has it, seats are blocked and given back, and a dry run says what calling off would cost", async () => {
  const desk = await deskOf("cho");
  const { page } = desk;
  await page.click("#tab-halls");
  // There are two concerts to go between.
  await page.waitForFunction((id) => document.querySelector("#concert").value === id, other);
  await page.locator("#stage canvas").waitFor();
  await page.selectOption("#concert", concert);
  const canvas = "#stage canvas";
  await page.locator(canvas).waitFor();
  /** Where a seat is that is free, from the corner of the plan. */
  const sees = async (name) => {
    await rests(page, canvas);
    const [found, corner] = [await middleOf(page, colours[PRICES[name]], canvas), await page.locator(canvas).boundingBox()];
    return found && { x: found.x - corner.x, y: found.y - corner.y };
  };
  const click = (position) => page.locator(canvas).click({ position });
  // Seats that can be told by their colours, until somebody has them.
  const near = await eventually(() => sees("near"));
  const far = await sees("far");
  const { page: hall } = buyer;
  await hall.evaluate(() => document.querySelector(".stage").scrollIntoView({ block: "center" }));
  const { x, y } = await middleOf(hall, colours[PRICES.near]);
  await hall.mouse.click(x, y);
  await Promise.all([hall.waitForURL(/\/orders\//), hall.click("#hold")]);
  await buyer.pay(hall.url().split("/").pop());

  await click(near);
  await page.locator("#explanation-owner", { hasText: buyer.name }).waitFor();
  await page.locator("#to-refund").waitFor();
  assert.match(await page.inputValue("#seats"), /^\d+$/);
  await desk.isSound("admin seat");
  await click(near);
  await page.waitForFunction(() => document.querySelector("#seats").value === "");

  await click(far);
  await page.waitForFunction(() => document.querySelector("#seats").value !== "");
  const seat = Number(await page.inputValue("#seats"));
  const state = async () => (await house.cli("export", "seats", concert, "--format", "json")).find(({ seatNumber }) => seatNumber === seat);
  assert.equal((await state()).section, "far");
  // Enter explains, and changes nothing.
  await page.fill("#seats-reason", "camera");
  for (const field of ["#seats", "#seats-reason"]) {
    await page.evaluate(() => (document.querySelector("#explanation").hidden = true));
    await page.press(field, "Enter");
    await page.locator("#explanation").waitFor();
  }
  assert.equal((await state()).status, "FREE");
  await page.click("#seats-form button[value=block]");
  await page.locator("#seats-done", { hasText: "Changed: 1" }).waitFor();
  assert.equal((await state()).status, "BLOCKED");
  // What is blocked is not drawn as free.
  await eventually(async () => !(await sees("far")));
  await desk.isSound("admin blocked");
  await page.click("#seats-form button[value=unblock]");
  await page.locator("#seats-done", { hasText: "Changed: 1" }).waitFor();
  assert.equal((await state()).status, "FREE");

  await page.fill("#cancel-reason", "storm");
  assert.equal(await page.locator("#call-off").isDisabled(), true);
  await page.click("#cancel-form button[value=dry]");
  await page.locator("#cancel-done", { hasText: `1 payments, ${PRICES.near} in all` }).waitFor();
  assert.equal(await page.locator("#call-off").isDisabled(), false);
  await desk.isSound("admin dry run");
  assert.equal((await house.cli("concert", "show", concert)).status, "ON_SALE");
  await page.click("#call-off");
  await page.locator("#cancel-done", { hasText: "Called off" }).waitFor();
  assert.equal((await house.cli("concert", "show", concert)).status, "CANCELLED");
  await desk.isSound("admin called off");
  await desk.close();
});
