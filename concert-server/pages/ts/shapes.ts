// How a seat looks: its colours, and the shape of each state.

import { FREE, HELD, SOLD } from "./plan";

const LIGHT = ["#0072b2", "#b84f00", "#00795a", "#a8437e", "#6b4fd8", "#7a6200", "#3d5a80", "#8c2f39"];
const DARK = ["#56b4e9", "#ff9d5c", "#3ddc97", "#f29ccb", "#b0a2ff", "#f0e442", "#9fb8d8", "#ff8f98"];
/** How many prices have a colour of their own. */
export const CLASSES = LIGHT.length;

export interface Colours {
  classes: string[];
  card: string;
  text: string;
  quiet: string;
  taken: string;
  accent: string;
  onAccent: string;
}

/** The colours of the page, light or dark. */
export function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise;
  return {
    classes: matchMedia("(prefers-color-scheme: dark)").matches ? DARK : LIGHT,
    card: of("--card", "#fff"),
    text: of("--text", "#1c1b26"),
    quiet: of("--quiet", "#5c5b6b"),
    taken: of("--field", "#8a8a9c"),
    accent: of("--accent", "#5b45d6"),
    onAccent: of("--on-accent", "#fff"),
  };
}

/** The letter of a price class: whoever does not tell colours apart reads it. */
export const letter = (price: number): string => (price < 26 ? String.fromCharCode(65 + price) : "*");

/** A seat by its state. Each state has a shape of its own: a disc, a ring with a dot, a cross, a dash. */
export function drawShape(
  context: CanvasRenderingContext2D,
  state: number,
  x: number,
  y: number,
  px: number,
  colours: Colours,
  price: number,
  text: string,
): void {
  const [middleX, middleY, radius] = [x + px / 2, y + px / 2, px / 2 - 0.5];
  context.beginPath();
  context.lineWidth = Math.max(1, px * 0.12);
  context.strokeStyle = context.fillStyle = state === FREE ? colours.classes[price % colours.classes.length]! : colours.taken;
  if (state === FREE) {
    context.arc(middleX, middleY, radius, 0, 2 * Math.PI);
    context.fill();
    if (!text) return;
    context.fillStyle = colours.card;
    context.font = `700 ${Math.round(px * 0.5)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, middleX, middleY + px * 0.04);
  } else if (state === HELD) {
    context.arc(middleX, middleY, radius * 0.72, 0, 2 * Math.PI);
    context.stroke();
    context.beginPath();
    context.arc(middleX, middleY, radius * 0.25, 0, 2 * Math.PI);
    context.fill();
  } else {
    const reach = radius * 0.5;
    context.moveTo(middleX - reach, state === SOLD ? middleY - reach : middleY);
    context.lineTo(middleX + reach, state === SOLD ? middleY + reach : middleY);
    if (state === SOLD) {
      context.moveTo(middleX + reach, middleY - reach);
      context.lineTo(middleX - reach, middleY + reach);
    }
    context.stroke();
  }
}

/** A seat that is chosen: a square with a tick. */
export function drawTick(context: CanvasRenderingContext2D, x: number, y: number, size: number, colours: Colours): void {
  context.fillStyle = colours.accent;
  context.beginPath();
  context.roundRect(x - size / 2 - 1, y - size / 2 - 1, size + 2, size + 2, size / 5);
  context.fill();
  context.strokeStyle = colours.onAccent;
  context.lineWidth = Math.max(1.5, size * 0.13);
  context.beginPath();
  context.moveTo(x - size * 0.25, y + size * 0.02);
  context.lineTo(x - size * 0.06, y + size * 0.22);
  context.lineTo(x + size * 0.28, y - size * 0.22);
  context.stroke();
}
