// The page of a concert: the drawing of its hall, live, beside the list that the page has without scripts.

import { runCountdowns } from "./countdown";
import { make } from "./dom";
import { sendOnce } from "./forms";
import { HallPage } from "./hall/page";
import { Live } from "./live";
import { type Plan, type PlanState, call, request } from "./rest";
import { text } from "./session";
import { tellTabs } from "./watch";

/** How long a new plan is waited for at most by chance, so that a crowd does not ask at once. */
const SPREAD_MS = 1_500;

async function begin(root: HTMLElement): Promise<void> {
  const path = `/api/v1/reservations/${root.dataset.concert}/plan`;
  const json = { headers: { Accept: "application/json" } };
  const readPlan = (version: number) => call<Plan>(`${path}?version=${version}`);
  const first = await request(`${path}/state`, json);
  if (!first.ok) throw new Error(String(first.status));
  const state = (await first.json()) as PlanState;
  const page = new HallPage(root, await readPlan(state.version), state);
  const watcher = {
    state: async (state: PlanState) => {
      if (page.takeState(state)) return;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * SPREAD_MS));
      const newest = await call<PlanState>(`${path}/state`, json);
      page.takePlan(await readPlan(newest.version), newest);
      live.restart();
    },
    delta: (delta: Parameters<HallPage["takeDelta"]>[0]) => (delta.version === page.version ? page.takeDelta(delta) : live.restart()),
    sure: (isSure: boolean) => page.sayHowSure(isSure),
  };
  // The stream goes on from these states, so they are sent once.
  const live: Live = new Live(`${path}/state`, watcher, first.headers.get("ETag"));
}

sendOnce();
tellTabs();
runCountdowns(() => location.reload());
const root = document.getElementById("hall");
if (root) {
  begin(root).catch(() => {
    root.replaceChildren(make("p", { class: "notice" }, text("no-plan")));
  });
}
