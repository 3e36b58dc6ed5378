// Countdowns by the server's time: `data-countdown` says until when, `data-kind` what happens then.

import { clockFace, serverNow } from "./clock";
import { announce, make } from "./dom";
import { text } from "./session";

const SECOND_MS = 1_000;
/** How long before the end of a hold or a turn the page warns. */
const WARNING_MS = 60_000;
/** Over this time a crowd that waits for one moment loads its pages again. */
const SPREAD_MS = 3_000;

const warned = new WeakSet<Element>();
const ended = new WeakSet<Element>();

/** Shows them all, and goes on doing so. `reload` shows the page anew. */
export function runCountdowns(reload: () => void): void {
  const tick = () => {
    for (const element of document.querySelectorAll<HTMLElement>("[data-countdown]")) show(element, reload);
  };
  tick();
  setInterval(tick, SECOND_MS);
  // A machine that slept shows the truth as soon as it is looked at.
  document.addEventListener("visibilitychange", tick);
}

function show(element: HTMLElement, reload: () => void): void {
  const left = Date.parse(element.dataset.countdown ?? "") - serverNow();
  if (!Number.isFinite(left)) return;
  const kind = element.dataset.kind ?? "";
  element.hidden = false;
  element.textContent = clockFace(left);
  element.classList.toggle("soon", left < WARNING_MS && kind !== "");
  if ((kind === "hold" || kind === "turn") && left > 0 && left <= WARNING_MS && !warned.has(element)) {
    warned.add(element);
    warn(kind);
  }
  if (left <= 0 && kind && !ended.has(element)) {
    ended.add(element);
    setTimeout(reload, kind === "reload" ? Math.random() * SPREAD_MS : SECOND_MS);
  }
}

/** Says that a minute is left. Where the hold can be extended, the button that does so is under the next key. */
function warn(kind: "hold" | "turn"): void {
  const extend = kind === "hold" ? document.getElementById("extend") : null;
  announce(text(kind === "turn" ? "turn-warning" : extend ? "hold-warning" : "hold-last-minute"));
  if (!extend) return;
  const more = make("button", { type: "button", id: "more-time" }, text("more-time"));
  const note = make("p", {}, text("hold-warning"));
  const alert = make("div", { class: "notice warning", role: "alert", id: "hold-warning" }, note, more);
  more.addEventListener("click", () => {
    more.disabled = true;
    extend.closest("form")?.requestSubmit();
  });
  const main = document.querySelector("main");
  main?.prepend(alert);
  // Whoever is writing is not interrupted; everybody else has the button under Enter.
  if (!(document.activeElement instanceof HTMLInputElement || document.activeElement instanceof HTMLSelectElement)) more.focus();
}
