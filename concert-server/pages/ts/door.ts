// The door: scans tickets, checks them in, and goes on without the network.
//
// Every scan is sent with its time, so that a scan whose answer was lost is the same one when it is delivered once more.
// Without an answer the ticket is verified here, with the public keys and the list of void tickets that were fetched
// before, and the scan waits for its delivery. The operator key is kept in this tab alone.

import { announce, make } from "./dom";
import { watch } from "./door/camera";
import { type Refused, Refusal, ask, keepKey, keptKey, serverTime, useKey } from "./door/server";
import { clock, element, isOnline, place, show, trouble, words } from "./door/show";
import type { components } from "./openapi";
import { text } from "./session";
import { NotATicket, type PublicKey, read, verify } from "./ticket";

interface Scan {
  concert: string;
  ticket: string;
  gate: string;
  checkedInAt: string;
}

interface VoidTicket {
  ticketId: string;
  version: number;
  reason: string;
}

interface Known {
  keys: PublicKey[];
  void: Record<string, { version: number; reason: string }>;
  since: string | null;
  isCancelled: boolean;
  /** Who came in at this gate: when, and at which gate. */
  inside: Record<string, { at: string; gate: string }>;
}

interface CheckedIn {
  ticketId: string;
  seatNumber: number;
  section: string | null;
  row: string | null;
  checkedInAt: string;
  gate: string;
}

/** How often keys and void tickets are fetched, and waiting scans delivered. */
const EVERY_MS = 30_000;
/** The same code held before the camera is one scan. */
const SAME_SCAN_MS = 3_000;
/** The most check-ins of one delivery. */
const MOST_AT_ONCE = 500;
const WAITING = "concert-door-waiting";

const stored = <T>(name: string, otherwise: T): T => JSON.parse(localStorage.getItem(name) ?? "null") ?? otherwise;
const store = (name: string, value: unknown): void => localStorage.setItem(name, JSON.stringify(value));

let concert = "";
let gate = "";
/** The key that the concerts were listed with. */
let listedWith = "";
let known: Known = nothingKnown();
let last = { code: "", at: 0 };

function nothingKnown(): Known {
  return { keys: [], void: {}, since: null, isCancelled: false, inside: {} };
}

// Entering: the key, the concert, the gate.

async function enter(event: SubmitEvent): Promise<void> {
  event.preventDefault();
  useKey(element<HTMLInputElement>("door-key").value.trim());
  gate = element<HTMLInputElement>("door-gate").value.trim();
  const choice = element<HTMLSelectElement>("door-concert");
  if (choice.value === "" || choice.hidden || keptKey() !== listedWith) {
    await listConcerts(choice);
    return;
  }
  concert = choice.value;
  keepKey();
  store("concert-door-gate", gate);
  known = { ...nothingKnown(), ...stored<Partial<Known>>(`concert-door-${concert}`, {}) };
  element("door-enter").hidden = true;
  element("door-open").hidden = false;
  element("door-where").textContent = `${choice.selectedOptions[0]?.textContent ?? ""} · ${gate}`;
  element("door-code").focus();
  void synchronise();
  setInterval(() => void synchronise(), EVERY_MS);
  void watch(scan);
}

async function listConcerts(choice: HTMLSelectElement): Promise<void> {
  try {
    // Here and not at the first ticket, with people before the door.
    const { role } = await ask<components["schemas"]["KeyBody"]>("/api/v1/admin/key");
    if (role === "viewer") return trouble(text("door-viewer-key"));
    listedWith = keptKey();
    const found = await ask<{ data?: Concert[] } | Concert[]>("/api/v1/admin/concerts");
    const concerts = Array.isArray(found) ? found : (found.data ?? []);
    const options = concerts.map((one) => make("option", { value: one.concertId }, `${one.name} · ${one.date}`));
    choice.replaceChildren(...options);
    element("door-concerts").hidden = choice.hidden = options.length === 0;
    trouble(options.length === 0 ? text("door-no-concerts") : "");
    choice.focus();
  } catch (error) {
    trouble(error instanceof Refusal ? text("door-key-refused") : text("door-no-network"));
  }
}

interface Concert {
  concertId: string;
  name: string;
  date: string;
}

// Scanning.

/** What a gate does with what was scanned or typed. */
async function scan(code: string): Promise<void> {
  const ticket = code.trim();
  if (ticket === "" || (ticket === last.code && Date.now() - last.at < SAME_SCAN_MS)) return;
  last = { code: ticket, at: Date.now() };
  const before = await undelivered(ticket);
  if (before) {
    // The server does not know of it yet, so it would let the same ticket in once more.
    show(false, text("door-stop"), text("door-already", { time: clock(before.checkedInAt), gate: before.gate }));
    void synchronise();
    return;
  }
  const sent: Scan = { concert, ticket, gate, checkedInAt: serverTime().toISOString() };
  try {
    const { ticket: shown, gate: at, checkedInAt } = sent;
    const made = await ask<CheckedIn>(`/api/v1/admin/concerts/${concert}/checkins`, { ticket: shown, gate: at, checkedInAt });
    isOnline(true);
    remember(made.ticketId, made.checkedInAt, made.gate);
    show(true, text("door-in"), place(made.seatNumber, made.section, made.row));
    // The server answers again.
    if (stored<Scan[]>(WAITING, []).length > 0) void synchronise();
  } catch (error) {
    if (error instanceof Refusal) {
      isOnline(true);
      const { problem } = error;
      show(false, text("door-stop"), words(problem));
    } else {
      isOnline(false);
      await scanAlone(sent);
    }
  }
  last.at = Date.now();
}

/** A scan of the same ticket that waits for its delivery. */
async function undelivered(ticket: string): Promise<Scan | undefined> {
  const waiting = stored<Scan[]>(WAITING, []).filter((scan) => scan.concert === concert);
  if (waiting.length === 0) return undefined;
  try {
    // Verified, since a forged code may name any ticket.
    const { ticketId } = await verify(ticket, known.keys);
    return waiting.find((scan) => read(scan.ticket).ticketId === ticketId);
  } catch {
    return undefined;
  }
}

/** Without an answer: by what was fetched before. */
async function scanAlone(sent: Scan): Promise<void> {
  try {
    const claims = await verify(sent.ticket, known.keys);
    const gone = known.void[claims.ticketId];
    const inside = known.inside[claims.ticketId];
    if (claims.concertId !== concert) return show(false, text("door-stop"), text("door-other-concert"));
    if (known.isCancelled) return show(false, text("door-stop"), text("door-void-cancelled"));
    if (gone && claims.version <= gone.version) return show(false, text("door-stop"), words({ code: "TICKET_VOID", reason: gone.reason }));
    if (inside) return show(false, text("door-stop"), text("door-already", { time: clock(inside.at), gate: inside.gate }));
    remember(claims.ticketId, sent.checkedInAt, sent.gate);
    store(WAITING, [...stored<Scan[]>(WAITING, []), sent]);
    showWaiting();
    show(true, text("door-in"), `${place(claims.seatNumber, null, null)} · ${text("door-alone")}`);
  } catch (error) {
    const why = error instanceof NotATicket ? error.code : "UNSURE";
    show(false, text("door-stop"), words({ code: why }));
  }
}

function remember(ticketId: string, at: string, where: string): void {
  known.inside[ticketId] = { at, gate: where };
  store(`concert-door-${concert}`, known);
}

// Keys, void tickets, deliveries.

let synchronising: Promise<void> | null = null;

/** One at a time: two deliveries of the same scans would show a conflict twice. */
function synchronise(): Promise<void> {
  synchronising ??= fetchAndDeliver().finally(() => (synchronising = null));
  return synchronising;
}

async function fetchAndDeliver(): Promise<void> {
  try {
    known.keys = (await ask<{ keys: PublicKey[] }>("/api/v1/tickets/keys")).keys;
    for (let more = true; more; ) {
      const since = known.since ? `?since=${encodeURIComponent(known.since)}` : "";
      const page = await ask<{ data: VoidTicket[]; hasMore: boolean; nextSince: string; concertStatus: string }>(
        `/api/v1/admin/concerts/${concert}/void-tickets${since}`,
      );
      for (const { ticketId, version, reason } of page.data) {
        const before = known.void[ticketId];
        if (!before || before.version <= version) known.void[ticketId] = { version, reason };
      }
      [known.since, more, known.isCancelled] = [page.nextSince, page.hasMore, page.concertStatus === "CANCELLED"];
    }
    store(`concert-door-${concert}`, known);
    isOnline(true);
    await deliver();
  } catch (error) {
    if (!(error instanceof Refusal)) isOnline(false);
    else show(false, text("door-stop"), words(error.problem));
  }
}

/** Delivers what waits. What is in conflict is shown until somebody has seen it. */
async function deliver(): Promise<void> {
  for (;;) {
    const waiting = stored<Scan[]>(WAITING, []);
    const first = waiting[0];
    if (!first) break;
    const batch = waiting.filter((one) => one.concert === first.concert).slice(0, MOST_AT_ONCE);
    const checkins = batch.map(({ ticket, gate: at, checkedInAt }) => ({ ticket, gate: at, checkedInAt }));
    const answer = await ask<{ results: ({ status: string } & Refused)[] }>(
      `/api/v1/admin/concerts/${first.concert}/checkins`,
      { checkins },
    );
    answer.results.forEach((result, nth) => {
      const sent = batch[nth];
      if (result.status === "REFUSED" && sent) conflict(sent, result);
    });
    // What was scanned meanwhile waits on.
    const delivered = new Set(batch.map((one) => one.ticket + one.checkedInAt));
    store(WAITING, stored<Scan[]>(WAITING, []).filter((one) => !delivered.has(one.ticket + one.checkedInAt)));
    showWaiting();
  }
}

function conflict(sent: Scan, refused: Refused): void {
  element("door-conflicts").hidden = false;
  // What waits was verified here, so it can be read.
  const seat = place(read(sent.ticket).seatNumber, null, null);
  const line = `${seat} · ${text("door-conflict", { time: clock(sent.checkedInAt), why: words(refused) })}`;
  element("door-conflict-list").prepend(make("li", {}, line));
  announce(line);
}

function showWaiting(): void {
  const count = stored<Scan[]>(WAITING, []).length;
  const place = element("door-waiting");
  place.hidden = count === 0;
  place.textContent = text("door-waiting", { count });
}

element<HTMLFormElement>("door-form").addEventListener("submit", (event) => void enter(event as SubmitEvent));
element<HTMLFormElement>("door-scan").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = element<HTMLInputElement>("door-code");
  void scan(field.value);
  field.value = "";
  field.focus();
});
addEventListener("online", () => void (concert && synchronise()));
element<HTMLInputElement>("door-key").value = keptKey();
element<HTMLInputElement>("door-gate").value = stored<string>("concert-door-gate", "");
showWaiting();
