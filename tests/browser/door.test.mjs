// Tickets and the door: what the page of a ticket shows, and what a gate does with it, with a network and without one.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { Buyer, PHONE } from "./buyer.mjs";
import { openStage } from "./stage.mjs";

const { browser, house, concert, sale } = await openStage({ rows: 2, seats: 10 });
const { key } = await house.cli("key", "make", "--role", "gate", "--name", "gates");

/** The payloads of tickets that somebody has just bought, as their pages show them, by ticket. */
async function tickets(count) {
  const buyer = await Buyer.at(browser, house, PHONE);
  await buyer.signUpToTurn(sale);
  await buyer.pay(await buyer.best(concert, count));
  await buyer.open("/tickets");
  const paths = await buyer.page.locator('a[href^="/tickets/"]').evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  const found = [];
  for (const path of paths) {
    await buyer.open(path);
    found.push({ id: path.split("/").pop(), payload: await buyer.page.locator(".qr").getAttribute("data-payload") });
  }
  assert.equal(found.length, count);
  return { buyer, found };
}

/** A gate whose page has the keys and the list of void tickets. */
async function gateAt(name) {
  const gate = await Buyer.at(browser, house);
  const { page } = gate;
  await gate.open("/door");
  await gate.isSound("door log-in");
  await page.fill("#door-key", key);
  await page.fill("#door-gate", name);
  await page.click("#door-form button");
  await page.locator("#door-concert").waitFor();
  await page.selectOption("#door-concert", concert);
  await page.click("#door-form button");
  await page.waitForFunction((id) => JSON.parse(localStorage.getItem(`concert-door-${id}`) ?? "{}").since, concert);
  gate.scans = async (code, outcome, words) => {
    await page.fill("#door-code", code);
    await page.click("#door-scan button");
    await page.locator(`#door-result.${outcome}`, { hasText: words }).waitFor();
  };
  return gate;
}

/** The same payload for another seat, with the signature of this one. */
function forged(payload) {
  const parts = payload.split(".");
  const claims = Buffer.from(parts[2], "base64url");
  claims.writeUInt32BE(claims.readUInt32BE(32) + 1, 32);
  return parts.with(2, claims.toString("base64url")).join(".");
}

test("a ticket's code is read from the page, lets its holder in once, and is stopped the second time", async () => {
  const { buyer, found } = await tickets(1);
  await buyer.isSound("ticket");
  const picture = `${house.folder}/ticket.png`;
  await buyer.page.locator(".qr").screenshot({ path: picture });
  const { stdout } = await promisify(execFile)("zbarimg", ["--quiet", "--raw", picture]);
  const payload = stdout.trim();
  assert.equal(payload, found[0].payload);
  assert.equal((await house.cli("ticket", "verify", payload)).valid, true);
  const gate = await gateAt("north");
  await gate.scans(payload, "in", /Come in/);
  await gate.isSound("door in");
  // Whatever is scanned in between, the same code is another showing afterwards.
  await gate.scans("nothing", "stop", /no ticket/);
  await gate.scans(payload, "stop", /Already in since .*north/);
  await gate.isSound("door stop");
  await gate.close();
  await buyer.close();
});

test("a key that may only look is refused at the form, before anybody stands at the door", async () => {
  const { key: viewers } = await house.cli("key", "make", "--role", "viewer", "--name", "press");
  const gate = await Buyer.at(browser, house);
  const { page } = gate;
  await gate.open("/door");
  await page.fill("#door-key", viewers);
  await page.fill("#door-gate", "north");
  await page.click("#door-form button");
  await page.locator("#door-trouble", { hasText: "a key of the role gate" }).waitFor();
  assert.equal(await page.locator("#door-concert").isVisible(), false);
  await gate.isSound("door viewer");
  await gate.close();
});

test("a gate without a network goes on by itself, delivers later, and shows what another gate did meanwhile", async () => {
  const { buyer, found } = await tickets(3);
  const [good, refunded, elsewhere] = found;
  const { paymentId } = await house.cli("ticket", "show", refunded.id);
  await house.cli("refund", paymentId, "--reason", "ill", "--yes", "--as", "tests");
  const gate = await gateAt("north");
  const waiting = gate.page.locator("#door-waiting");

  await gate.context.setOffline(true);
  await gate.scans(good.payload, "in", /checked without the network/);
  await gate.isSound("door without a network");
  assert.match(await waiting.textContent(), /^1 /);
  await gate.scans(refunded.payload, "stop", /refunded/);
  await gate.scans(forged(good.payload), "stop", /Forged/);
  await gate.scans(good.payload, "stop", /Already in since .*north/);
  const path = `/api/v1/admin/concerts/${concert}/checkins`;
  const made = await house.rest(path, { key, body: { ticket: elsewhere.payload, gate: "south" } });
  assert.equal(made.gate, "south");
  await gate.scans(elsewhere.payload, "in", /checked without the network/);
  assert.match(await waiting.textContent(), /^2 /);

  await gate.context.setOffline(false);
  await waiting.waitFor({ state: "hidden" });
  const conflicts = gate.page.locator("#door-conflict-list li");
  assert.equal(await conflicts.count(), 1);
  assert.match(await conflicts.textContent(), new RegExp(`seat ${made.seatNumber} .* south`));
  await gate.isSound("door conflict");
  const inside = (await house.cli("export", "attendees", concert, "--format", "json")).filter(({ username }) => username === buyer.name);
  assert.deepEqual(inside.map(({ gate: where }) => where).sort(), ["north", "south"]);
  await gate.scans(forged(good.payload), "stop", /Forged/);
  await gate.close();
  await buyer.close();
});

test("a ticket that was let in while the server gave no answer is stopped before the server knows of it", async () => {
  const { buyer, found } = await tickets(1);
  const [{ payload }] = found;
  const gate = await gateAt("north");
  await gate.page.route("**/checkins", (route) => route.fulfill({ status: 503, body: "" }));
  await gate.scans(payload, "in", /checked without the network/);
  await gate.scans("nothing", "stop", /no ticket/);
  // The server answers again, and has not heard of it.
  await gate.page.unroute("**/checkins");
  await gate.scans(payload, "stop", /Already in since .*north/);
  await gate.page.locator("#door-waiting").waitFor({ state: "hidden" });
  assert.equal(await gate.page.locator("#door-conflict-list li").count(), 0);
  await gate.close();
  await buyer.close();
});
