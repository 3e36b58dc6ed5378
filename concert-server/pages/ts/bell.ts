// What must not be missed: in the title of the tab, and by sound and notification for whoever asked for them.

import { make } from "./dom";
import { text } from "./session";

const KEPT = "concert-bell";
/** Two notes, in hertz, and how long each lasts, in seconds. */
const NOTES = [660, 880];
const NOTE_SECONDS = 0.25;
const BLINK_MS = 1_000;

let audio: AudioContext | null = null;

/** Whether the user asked to be told. */
const isWanted = (): boolean => {
  try {
    return localStorage.getItem(KEPT) === "yes";
  } catch {
    return false;
  }
};

/** The button that asks for sound and notification. */
export function bellButton(): HTMLElement {
  const button = make("button", { type: "button", class: "second", id: "bell", "aria-pressed": String(isWanted()) });
  button.textContent = text(isWanted() ? "bell-on" : "bell-ask");
  button.addEventListener("click", async () => {
    const wanted = button.getAttribute("aria-pressed") !== "true";
    try {
      localStorage.setItem(KEPT, wanted ? "yes" : "no");
    } catch {
      // A browser that keeps nothing forgets it with the page.
    }
    button.setAttribute("aria-pressed", String(wanted));
    button.textContent = text(wanted ? "bell-on" : "bell-ask");
    if (!wanted) return;
    // Browsers let a page sound only after it was touched: this is the touch.
    audio ??= new AudioContext();
    await ring();
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  });
  // After a reload, the first touch makes the sound possible again.
  const wake = () => {
    if (isWanted()) audio ??= new AudioContext();
  };
  for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, wake, { once: true });
  return button;
}

async function ring(): Promise<void> {
  if (!audio) return;
  await audio.resume();
  NOTES.forEach((frequency, nth) => {
    if (!audio) return;
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    const start = audio.currentTime + nth * NOTE_SECONDS;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.2, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + NOTE_SECONDS);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + NOTE_SECONDS);
  });
}

/** Says what must not be missed, by all means that are allowed: in the title, by sound and by a notification. */
export function call(words: string, more: string): void {
  inTitle(words);
  if (!isWanted()) return;
  void ring().catch(() => {});
  if ("Notification" in window && Notification.permission === "granted") {
    try {
      const note = new Notification(words, { body: more, tag: "concert-turn" });
      note.onclick = () => window.focus();
    } catch {
      // Some phones allow notifications to service workers alone.
    }
  }
}

/** In the title alone, which blinks until the tab is looked at. */
export function inTitle(words: string): void {
  const title = document.title;
  document.title = `● ${words}`;
  if (!document.hidden) return;
  let on = true;
  const blink = setInterval(() => {
    on = !on;
    document.title = on ? `● ${words}` : `○ ${words}`;
  }, BLINK_MS);
  document.addEventListener("visibilitychange", function seen() {
    if (document.hidden) return;
    clearInterval(blink);
    document.title = title;
    document.removeEventListener("visibilitychange", seen);
  });
}
