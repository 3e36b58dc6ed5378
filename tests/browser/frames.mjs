// Measures the plan of a large hall in Chromium without a GPU: its first paint, its frames while it is moved and while seats
// change, and what it costs to load. `make page-frames`; `--seats 100000`, `--runs 5`. Prints a table; the machine is to be quiet.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { get } from "node:http";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { DESKTOP, PATIENCE_MS, launch } from "./buyer.mjs";
import { rests } from "./canvas.mjs";

const { values: options } = parseArgs({ options: { seats: { type: "string", default: "50000" }, runs: { type: "string", default: "3" } } });
const [SEATS, RUNS] = [Number(options.seats), Number(options.runs)];
const target = process.env.CARGO_TARGET_DIR ?? new URL("../../target", import.meta.url).pathname;
const release = join(target, "release");
process.env.CONCERT_BIN ??= existsSync(join(release, "concert-server")) && existsSync(join(release, "concert-cli")) ? release : join(target, "debug");
// Which programs a house has is decided when it is loaded.
const { House } = await import("./house.mjs");

/** How many visitors' first paints a run has. Each has an empty cache. */
const PAINTS = 4;
/** Where others look at the same hall, the server has just read it; after this long, in milliseconds, it reads it again. */
const FORGETS_MS = 3_000;
const [AMONG_OTHERS, ALONE] = ["first paint", "first paint, after a pause"];
/** How long each movement is measured, in milliseconds. */
const MOVEMENT_MS = 4_000;
/** How many seats change at once, and how often, in milliseconds, while changes are measured. */
const CHANGED_AT_ONCE = 400;
const CHANGES_EVERY_MS = 250;
const FRAME_MS = 33;
const TARGETS = { paint: 1_000, geometry: 120, view: 40 };

async function stadium(house) {
  const rings = [0.2, 0.3, 0.5].map((share, nth) => ["--section", `${"ABC"[nth]}:${Math.round(SEATS * share)}:${150 - nth * 40}`]);
  const shape = ["concert", "generate", ...rings.flat(), "--name", "Stadium", "--date", "2031-06-01", "stadium"];
  const { stdout } = await promisify(execFile)(join(process.env.CONCERT_BIN, "concert-cli"), shape, { maxBuffer: 1 << 28 });
  const file = join(house.folder, "stadium.toml");
  await writeFile(file, stdout);
  return (await house.cli("concert", "add", file, "--as", "frames")).concertId;
}

/** How many bytes an answer has on the wire. */
function bytesOf(url, headers = {}) {
  return new Promise((resolve, reject) => {
    get(url, { headers: { "Accept-Encoding": "gzip", ...headers } }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk) => (bytes += chunk.length));
      answer.on("end", () => resolve(bytes));
    }).on("error", reject);
  });
}

/** A page with its style and scripts, as its first visitor loads it. */
async function firstView(house, path) {
  const html = await (await fetch(house.url + path)).text();
  const parts = [...html.matchAll(/(?:href|src)="(\/[^"]+\.(?:css|js|svg))"/g)].map(([, part]) => part);
  const sizes = await Promise.all([path, ...new Set(parts)].map((part) => bytesOf(house.url + part)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * A visitor with an empty cache: the time from the start of the navigation to the frame after the one with seats, and how
 * much of it went by until the server answered, for the page, the states and the plan.
 */
async function visitor(browser, address) {
  const context = await browser.newContext({ ...DESKTOP, locale: "en-GB" });
  const page = await context.newPage();
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector(".stage[data-drawn]")) return;
      observer.disconnect();
      requestAnimationFrame(() => (window.paintedAt = performance.now()));
    }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-drawn"] });
  });
  await page.goto(address);
  await page.waitForFunction(() => window.paintedAt, null, { timeout: PATIENCE_MS });
  const [painted, server] = await page.evaluate(() => {
    const asked = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource").filter(({ name }) => /\/plan/.test(name))];
    // The stream of changes begins after the first paint.
    const waited = asked.filter(({ responseEnd }) => responseEnd && responseEnd < window.paintedAt);
    return [window.paintedAt, waited.reduce((sum, { requestStart, responseStart }) => sum + responseStart - requestStart, 0)];
  });
  return { context, page, painted, server };
}

/** The times between frames while something is done, in milliseconds, ascending. */
async function framesOf(page, act) {
  await page.evaluate(() => {
    window.frames_ = [];
    let last = 0;
    const tick = (now) => {
      if (last) window.frames_.push(now - last);
      last = now;
      window.ticking = requestAnimationFrame(tick);
    };
    window.ticking = requestAnimationFrame(tick);
  });
  const until = Date.now() + MOVEMENT_MS;
  await act(() => Date.now() < until);
  const frames = await page.evaluate(() => (cancelAnimationFrame(window.ticking), window.frames_));
  return frames.sort((a, b) => a - b);
}

/** A point where there are seats: in the middle of a stadium is the field. */
const stand = (stage) => [stage.x + stage.width / 2, stage.y + stage.height * 0.2];

/** Drags the hall to and fro until the time is over. */
async function pan(page, stage, goesOn) {
  const [x, y] = stand(stage);
  while (goesOn()) {
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let step = 0; step < 40 && goesOn(); step++) await page.mouse.move(x + 180 * Math.sin(step / 5), y + 120 * Math.sin(step / 7));
    await page.mouse.up();
  }
}

/** Turns the wheel, in and out again. */
async function zoom(page, stage, goesOn) {
  await page.mouse.move(...stand(stage));
  for (let step = 0; goesOn(); step++) await page.mouse.wheel(0, step % 40 < 20 ? -120 : 120);
}

/** Seats all over the hall go off sale and come back, until `stop` is called. */
function changes(house, concert, key) {
  let goesOn = true;
  const done = (async () => {
    for (let nth = 0; goesOn; nth++) {
      const seatNumbers = Array.from({ length: CHANGED_AT_ONCE }, (_, seat) => 1 + ((seat * 127 + Math.floor(nth / 2) * 31) % SEATS));
      const body = nth % 2 ? { seatNumbers } : { seatNumbers, reason: "frames" };
      await house.rest(`/api/v1/admin/concerts/${concert}/seats/${nth % 2 ? "unblock" : "block"}`, { key, body });
      await new Promise((resolve) => setTimeout(resolve, CHANGES_EVERY_MS));
    }
  })();
  return async () => {
    goesOn = false;
    await done;
  };
}

/** All measurements, once: the first paints of some visitors, and what the last of them then does. */
async function measured(browser, house, concert, key) {
  const address = `${house.url}/concerts/${concert}`;
  const results = { [AMONG_OTHERS]: [], [ALONE]: [] };
  let last;
  for (let nth = 0; nth < 2 * PAINTS; nth++) {
    await last?.context.close();
    const isAlone = nth % 2 === 0;
    if (isAlone) await new Promise((resolve) => setTimeout(resolve, FORGETS_MS));
    else await Promise.all([fetch(address), house.rest(`/api/v1/reservations/${concert}/plan/state`)].map(async (answer) => (await answer).text?.()));
    last = await visitor(browser, address);
    results[isAlone ? ALONE : AMONG_OTHERS].push(last);
  }
  const { context, page } = last;
  await page.evaluate(() => document.querySelector(".stage").scrollIntoView({ block: "center" }));
  const stage = await page.locator(".stage").boundingBox();
  const closer = (notches) => async () => {
    await page.getByRole("button", { name: "Whole hall" }).click();
    await page.evaluate(() => document.querySelector(".stage").scrollIntoView({ block: "center" }));
    await rests(page);
    await page.mouse.move(...stand(stage));
    for (let nth = 0; nth < notches; nth++) await page.mouse.wheel(0, -120);
    await rests(page);
  };
  const [sections, rows, seats] = [closer(3), closer(7), closer(11)];
  const measure = async (what, prepare, act) => {
    await prepare();
    // What was measured can be looked at.
    await page.screenshot({ path: join(target, "pages", `frames ${what}.png`) });
    results[what] = await framesOf(page, act);
  };
  await measure("pan, sections", sections, (goesOn) => pan(page, stage, goesOn));
  await measure("pan, rows", rows, (goesOn) => pan(page, stage, goesOn));
  await measure("pan, seats", seats, (goesOn) => pan(page, stage, goesOn));
  await measure("zoom, in and out", closer(0), (goesOn) => zoom(page, stage, goesOn));
  const stop = changes(house, concert, key);
  await measure("seats change, whole hall", closer(0), async (goesOn) => {
    while (goesOn()) await page.waitForTimeout(100);
  });
  await measure("seats change, pan", rows, (goesOn) => pan(page, stage, goesOn));
  await stop();
  await context.close();
  return results;
}

/** The share of frames that are in time, the 95th of a hundred, and the longest. */
function judge(frames) {
  const at = (share) => frames[Math.min(frames.length - 1, Math.floor(frames.length * share))];
  const inTime = frames.filter((frame) => frame <= FRAME_MS + 0.5).length / frames.length;
  return { inTime, text: `${(inTime * 100).toFixed(1)} % (p50 ${at(0.5).toFixed(0)}, p95 ${at(0.95).toFixed(0)}, longest ${at(1).toFixed(0)} ms, ${frames.length} frames)` };
}

function print(runs, sizes) {
  const line = (what, target, value, isGood) => console.log(`| ${what} | ${target} | ${value} | ${isGood ? "" : "missed"} |`);
  console.log("\n| what | target | best of the runs | |\n|---|---|---|---|");
  for (const what of Object.keys(runs[0])) {
    if (what === AMONG_OTHERS || what === ALONE) {
      const visits = runs.flatMap((run) => run[what]).sort((a, b) => a.painted - b.painted);
      const [best, middle] = [visits[0], visits[visits.length >> 1]];
      const said = ({ painted, server }) => `${painted.toFixed(0)} ms, of which ${server.toFixed(0)} until the server answered`;
      line(what, `<= ${TARGETS.paint} ms`, `${said(best)} (middle of ${visits.length} visits: ${said(middle)})`, best.painted <= TARGETS.paint);
    } else {
      const [best] = runs.map((run) => judge(run[what])).sort((a, b) => b.inTime - a.inTime);
      line(what, `95 % of frames <= ${FRAME_MS} ms`, best.text, best.inTime >= 0.95);
    }
  }
  for (const [what, bytes, most] of sizes) line(what, `<= ${most.toFixed(0)} KB`, `${(bytes / 1000).toFixed(1)} KB`, bytes <= most * 1000);
}

const house = await House.open();
let browser;
try {
  browser = await launch();
  const concert = await stadium(house);
  const { key } = await house.cli("key", "make", "--role", "operator", "--name", "frames");
  const plan = `${house.url}/api/v1/reservations/${concert}/plan`;
  const { version } = await house.rest(`/api/v1/reservations/${concert}/plan/state`);
  const sizes = [
    ["geometry, gzip", await bytesOf(`${plan}?version=${version}`), (TARGETS.geometry * SEATS) / 50_000],
    ["states of all seats, gzip", await bytesOf(`${plan}/state`, { Accept: "application/json" }), SEATS / 4_000],
    ["first view: what is on sale, gzip", await firstView(house, "/"), TARGETS.view],
    ["first view: the concert without its plan, gzip", await firstView(house, `/concerts/${concert}`), TARGETS.view],
  ];
  const about = `${SEATS} seats; ${process.env.CONCERT_BIN.includes("release") ? "release" : "debug"} server; ${cpus().length} processors`;
  console.log(`${about}; Chromium ${browser.version()} without a GPU; load ${loadavg()[0].toFixed(1)} before`);
  const runs = [];
  for (let run = 0; run < RUNS; run++) {
    runs.push(await measured(browser, house, concert, key));
    console.log(`run ${run + 1}: load ${loadavg()[0].toFixed(1)}, first paints ${runs[run][AMONG_OTHERS].map(({ painted }) => painted.toFixed(0)).join(", ")} ms`);
  }
  print(runs, sizes);
} finally {
  await browser?.close();
  await house.close();
}
