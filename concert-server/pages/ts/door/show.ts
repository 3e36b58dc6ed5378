// What a gate is shown: the parts of the page, and what becomes of a ticket in the language of the page.

import { make } from "../dom";
import { language, text } from "../session";
import type { Refused } from "./server";

export const element = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;

export function trouble(words: string): void {
  const place = element("door-trouble");
  place.hidden = words === "";
  place.textContent = words;
}

export function place(seat: number, section: string | null, row: string | null): string {
  const parts = [section ?? "", row ? text("door-row", { row }) : "", text("door-seat", { seat })];
  return parts.filter((part) => part !== "").join(" · ");
}

export const clock = (at: unknown): string =>
  new Date(String(at)).toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** A refusal in the language of the page. */
export function words(refused: Refused): string {
  switch (refused.code) {
    case "ALREADY_CHECKED_IN":
      return text("door-already", { time: clock(refused["checkedInAt"]), gate: String(refused["gate"]) });
    case "TICKET_VOID":
      return text(`door-void-${String(refused["reason"]).toLowerCase()}`);
    case "TICKET_FOR_OTHER_CONCERT":
      return text("door-other-concert");
    case "TICKET_UNREADABLE":
      return text("door-unreadable");
    case "TICKET_FORGED":
      return text("door-forged");
    case "TICKET_KEY_NOT_FOUND":
    case "TICKET_KEY_RETIRED":
      return text("door-old-key");
    case "TICKET_NOT_FOUND":
      return text("door-unknown");
    case "UNSURE":
      return text("door-unsure");
    case "UNAUTHENTICATED":
    case "ROLE_NOT_ALLOWED":
      return text("door-key-refused");
    default:
      return refused.detail ?? refused.code;
  }
}

export function show(isGood: boolean, headline: string, detail: string): void {
  const result = element("door-result");
  result.className = `door-result ${isGood ? "in" : "stop"}`;
  result.replaceChildren(make("strong", {}, headline), make("span", {}, detail));
  // The region is announced by itself where it changes; a second announcement would double it.
  navigator.vibrate?.(isGood ? 80 : [80, 80, 240]);
}

export function isOnline(is: boolean): void {
  const badge = element("door-network");
  badge.textContent = text(is ? "door-online" : "door-offline");
  badge.className = `badge ${is ? "good" : "held"}`;
}
