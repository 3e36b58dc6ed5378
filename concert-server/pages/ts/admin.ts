// The operators' page: figures, sales, halls, refunds and the log, over the same REST routes as everything else.

import "uplot/dist/uPlot.min.css";
import "./admin/admin.css";
import { Desk } from "./admin/desk";
import { showFigures } from "./admin/figures";
import { showHalls } from "./admin/halls";
import { showLog } from "./admin/log";
import { showRefunds } from "./admin/refunds";
import { showSales } from "./admin/sales";
import { complain, field, part, word } from "./admin/page";

/** Where a browser keeps the key, for this tab alone. */
const KEPT = "concert-operator-key";
const PARTS = ["figures", "sales", "halls", "refunds", "log"] as const;
type Part = (typeof PARTS)[number];

const shows: Record<Part, (desk: Desk) => void> = {
  figures: showFigures,
  sales: showSales,
  halls: showHalls,
  refunds: showRefunds,
  log: showLog,
};
const shown = new Set<Part>();

function go(desk: Desk, to: Part): void {
  for (const name of PARTS) {
    part(`part-${name}`).hidden = name !== to;
    const tab = part(`tab-${name}`);
    if (name === to) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  // What a part shows is asked for when it is looked at for the first time; each goes on by itself.
  if (!shown.has(to)) shows[to](desk);
  shown.add(to);
}

async function enter(key: string): Promise<void> {
  const desk = new Desk(key);
  const role = await desk.role();
  sessionStorage.setItem(KEPT, key);
  part("log-in").hidden = true;
  part("desk").hidden = false;
  part("role").textContent = word(`role-${role}`);
  // A viewer looks: what it may not do is not offered.
  for (const form of document.querySelectorAll<HTMLFieldSetElement>("fieldset[data-operator]")) form.disabled = role !== "operator";
  for (const name of PARTS) part(`tab-${name}`).addEventListener("click", () => go(desk, name));
  go(desk, "figures");
  part("desk-title").focus();
}

function leave(): void {
  sessionStorage.removeItem(KEPT);
  location.reload();
}

part("log-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(field("key").value.trim()).catch((error: unknown) => complain("log-in-trouble", error));
});
part("leave").addEventListener("click", leave);
part("log-in").hidden = false;
const kept = sessionStorage.getItem(KEPT);
if (kept) enter(kept).catch(() => sessionStorage.removeItem(KEPT));
