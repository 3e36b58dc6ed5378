// The plan of a hall under a mouse and under fingers: what is drawn at a point is what a click there chooses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Buyer, DESKTOP, PHONE } from "./buyer.mjs";
import { PRICES, assertNear, distance, legend, markedHall, middleOf, rests } from "./canvas.mjs";
import { openStage } from "./stage.mjs";

const { browser, house, concert, sale } = await openStage({ sections: markedHall() });

/** Somebody before the plan, who sees where the marked seats are. */
async function atPlan(options) {
  const buyer = await Buyer.at(browser, house, options);
  const { page } = buyer;
  await buyer.signUpToTurn(sale);
  await buyer.hall(concert);
  const centre = () => page.evaluate(() => document.querySelector(".stage").scrollIntoView({ block: "center" }));
  await centre();
  const colours = await legend(page);
  buyer.sees = async (name) => {
    await rests(page);
    return middleOf(page, colours[PRICES[name]]);
  };
  buyer.seesAll = async () => {
    await page.getByRole("button", { name: "Whole hall" }).click();
    await centre();
    await rests(page);
  };
  buyer.chosen = (name) => page.locator(".chosen li", { hasText: `${name}, Row ${name}` });
  /** A click or tap on a mark chooses its seat alone, and another one lets it go. */
  buyer.choosesBy = async (touch, name) => {
    const { x, y } = await buyer.sees(name);
    await touch(x, y);
    await buyer.chosen(name).waitFor();
    assert.equal(await page.locator(".chosen li").count(), 1);
    await touch(x, y);
    await buyer.chosen(name).waitFor({ state: "detached" });
  };
  return buyer;
}

test("a mouse: what is under it is told and chosen, the wheel comes closer to it, a drag moves the hall", async () => {
  const buyer = await atPlan(DESKTOP);
  const { page } = buyer;
  const click = (x, y) => page.mouse.click(x, y);
  await buyer.choosesBy(click, "near");
  await buyer.choosesBy(click, "far");
  const [left, right] = [await buyer.sees("left"), await buyer.sees("right")];
  await page.mouse.move(left.x, left.y);
  await page.locator(".tip", { hasText: "left, Row left, Seat" }).waitFor();

  await page.mouse.wheel(0, -400);
  await page.waitForFunction(() => document.querySelector(".stage").style.touchAction === "none");
  const [leftThen, rightThen] = [await buyer.sees("left"), await buyer.sees("right")];
  assertNear(leftThen, left, 3, "what the wheel comes closer to stays under the mouse");
  assert.ok(distance(leftThen, rightThen) > 1.5 * distance(left, right), "it is closer");
  await buyer.choosesBy(click, "left");

  await page.mouse.move(leftThen.x, leftThen.y);
  await page.mouse.down();
  await page.mouse.move(leftThen.x + 20, leftThen.y + 10, { steps: 4 });
  await page.mouse.move(leftThen.x + 60, leftThen.y - 40, { steps: 4 });
  await page.mouse.up();
  assert.equal(await page.locator(".chosen li").count(), 0);
  assertNear(await buyer.sees("left"), { x: leftThen.x + 60, y: leftThen.y - 40 }, 3, "a seat goes along with the mouse");
  await buyer.choosesBy(click, "left");

  await buyer.seesAll();
  assertNear(await buyer.sees("left"), left, 3, "the whole hall is as it was");
  const scrolled = await page.evaluate(() => scrollY);
  await page.mouse.move(left.x, left.y);
  await page.mouse.wheel(0, 100);
  await page.waitForFunction((before) => scrollY > before, scrolled);
  await buyer.close();
});

/** Fingers on a screen; each goes from one point to another, all of them together. */
async function fingers(session, paths, steps = 12) {
  const at = (part) => paths.map(([from, to], id) => ({ x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part, id }));
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(0) });
  for (let step = 1; step <= steps; step++) await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(step / steps) });
  await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
}

test("fingers: a tap chooses, two of them come closer, one moves the hall or, out of the whole of it, the page", async () => {
  const buyer = await atPlan(PHONE);
  const { page } = buyer;
  const session = await buyer.context.newCDPSession(page);
  const tap = (x, y) => fingers(session, [[{ x, y }, { x, y }]], 0);
  await buyer.choosesBy(tap, "near");
  const [left, right] = [await buyer.sees("left"), await buyer.sees("right")];
  const middle = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 };
  const off = (dx, dy) => ({ x: middle.x + dx, y: middle.y + dy });
  const isCloser = async (by, what) => {
    const [leftThen, rightThen] = [await buyer.sees("left"), await buyer.sees("right")];
    const ratio = distance(leftThen, rightThen) / distance(left, right);
    assert.ok(Math.abs(ratio / by - 1) < 0.12, `${what}: ${ratio} times as large, not ${by}`);
    assertNear({ x: (leftThen.x + rightThen.x) / 2, y: (leftThen.y + rightThen.y) / 2 }, middle, 8, what);
  };

  await fingers(session, [[off(-40, 0), off(-80, 0)], [off(40, 0), off(80, 0)]]);
  await isCloser(2, "fingers beside each other");
  await buyer.choosesBy(tap, "right");
  const before = await buyer.sees("right");
  await fingers(session, [[middle, off(-50, 30)]]);
  const moved = await buyer.sees("right");
  assertNear(moved, { x: before.x - 50, y: before.y + 30 }, 8, "a seat goes along with the finger");
  await buyer.choosesBy(tap, "right");
  assert.equal(await page.evaluate(() => visualViewport.scale), 1, "the page itself is as large as before");

  await buyer.seesAll();
  assertNear(await buyer.sees("left"), left, 3, "the whole hall is as it was");
  await fingers(session, [[off(0, -40), off(0, -72)], [off(0, 40), off(0, 72)]]);
  await isCloser(1.8, "fingers above each other");
  await buyer.seesAll();
  const scrolled = await page.evaluate(() => scrollY);
  await fingers(session, [[middle, off(0, -120)]]);
  await page.waitForFunction((before) => scrollY > before + 50, scrolled);
  await buyer.close();
});
