// What shapes, letters and colours of the drawing mean.

import { make } from "../dom";
import { amount } from "../money";
import { BLOCKED, FREE, HELD, type Hall, SOLD } from "../plan";
import { text } from "../session";
import { colours, drawShape, drawTick, letter } from "../shapes";
import { STATE_TEXTS } from "./words";

export function legendOf(hall: Hall, canHold: boolean): HTMLElement {
  const entry = (draw: (context: CanvasRenderingContext2D) => void, words: string) => {
    const sign = make("canvas", { width: "36", height: "36", "aria-hidden": "true" });
    const context = sign.getContext("2d");
    if (context) draw(context);
    return make("li", {}, sign, words);
  };
  const palette = colours();
  const list = make("ul", { class: "legend", "aria-label": text("legend") });
  hall.prices.forEach((price, nth) => {
    const words = `${letter(nth)} · ${amount(price)}`;
    list.append(entry((context) => drawShape(context, FREE, 0, 0, 36, palette, nth, letter(nth)), words));
  });
  for (const state of [HELD, SOLD, BLOCKED]) {
    list.append(entry((context) => drawShape(context, state, 0, 0, 36, palette, 0, ""), text(STATE_TEXTS[state]!)));
  }
  if (canHold) list.append(entry((context) => drawTick(context, 18, 18, 30, palette), text("state-chosen")));
  return list;
}
