// The stage of a test file: a browser, and a house with one concert on sale. Both are closed after the tests of the file.
import { after } from "node:test";
import { launch } from "./buyer.mjs";
import { House } from "./house.mjs";

/** `hall`: as `House.concert` takes it; `options`: those of the server. */
export async function openStage(hall, ...options) {
  const browser = await launch();
  let house;
  const close = async () => {
    await browser.close();
    await house?.close();
  };
  try {
    house = await House.open("--max-active", "50", ...options);
    const stage = { browser, house, concert: await house.concert("Spring", hall), sale: await house.sale() };
    after(close);
    return stage;
  } catch (error) {
    // The hook would not run: a file that fails to load has no tests to run after.
    await close();
    throw error;
  }
}
