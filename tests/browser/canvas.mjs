// What is drawn on the canvas of a hall, found as an eye finds it: by colour. Points are in pixels of the window.
import assert from "node:assert/strict";
import { PATIENCE_MS } from "./buyer.mjs";

/** How long a drawing must stay as it is to count as finished, in milliseconds. It is drawn finely once it rests. */
const REST_MS = 300;

/** A hall of 24 by 20 seats, of which four have a price, and so a colour, of their own: `marks`, by name. */
export const MARKS = { near: [40, 40], far: [180, 140], left: [70, 90], right: [150, 90] };
export const PRICES = { floor: 50, near: 61, far: 62, left: 63, right: 64 };

export function markedHall() {
  const isMark = (x, y) => Object.values(MARKS).some(([atX, atY]) => atX === x && atY === y);
  const rows = Array.from({ length: 20 }, (_, row) => {
    const x = Array.from({ length: 24 }, (_, seat) => seat * 10).filter((x) => !isMark(x, row * 10));
    return `{ name = "${row + 1}", seats = ${x.length}, x = [${x}], y = ${row * 10} }`;
  });
  const section = (name, price, rows) => `[[sections]]\nname = "${name}"\nprice = ${price}\nrows = [${rows}]\n`;
  const marks = Object.entries(MARKS).map(([name, [x, y]]) => section(name, PRICES[name], `{ name = "${name}", seats = 1, x = [${x}], y = ${y} }`));
  return section("floor", PRICES.floor, rows.join(", ")) + marks.join("");
}

/** The colours of prices, as the legend shows them. */
export function legend(page) {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll(".legend li")].map((entry) => {
        // Above the letter.
        const [red, green, blue] = entry.querySelector("canvas").getContext("2d").getImageData(18, 5, 1, 1).data;
        return [entry.textContent.replace(/^. · /, ""), [red, green, blue]];
      }),
    ),
  );
}

/** The middle of all that has a colour on a canvas; `null`: nothing has. */
export function middleOf(page, colour, canvas = ".stage canvas") {
  return page.evaluate(
    ([selector, [red, green, blue]]) => {
      const canvas = document.querySelector(selector);
      const { left, top, width } = canvas.getBoundingClientRect();
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let [count, sumX, sumY] = [0, 0, 0];
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] !== red || data[at + 1] !== green || data[at + 2] !== blue) continue;
        const pixel = at / 4;
        [count, sumX, sumY] = [count + 1, sumX + (pixel % canvas.width), sumY + Math.floor(pixel / canvas.width)];
      }
      const ratio = width / canvas.width;
      return count ? { x: left + (sumX / count + 0.5) * ratio, y: top + (sumY / count + 0.5) * ratio } : null;
    },
    [canvas, colour],
  );
}

/** Waits until the drawing stays as it is. */
export async function rests(page, canvas = ".stage canvas") {
  await page.evaluate(
    async ([selector, rest, patience]) => {
      const canvas = document.querySelector(selector);
      const look = () => canvas.toDataURL();
      let [seen, since] = [look(), performance.now()];
      for (const begun = since; performance.now() - since < rest; ) {
        if (performance.now() - begun > patience) throw new Error("the drawing never rests");
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const now = look();
        if (now !== seen) [seen, since] = [now, performance.now()];
      }
    },
    [canvas, REST_MS, PATIENCE_MS],
  );
}

/** What `look` finds, as soon as it finds something. */
export async function eventually(look) {
  for (const begun = Date.now(); Date.now() - begun < PATIENCE_MS; ) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`not within ${PATIENCE_MS} ms: ${look}`);
}

export const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

/** Two points are as good as one. */
export function assertNear(point, other, most, what) {
  assert.ok(point && other && distance(point, other) <= most, `${what}: ${JSON.stringify(point)} and ${JSON.stringify(other)}`);
}
