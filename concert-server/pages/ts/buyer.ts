// The buyer's pages but the hall: countdowns, the queue, what is held.

import { runCountdowns } from "./countdown";
import { reloadMain } from "./dom";
import { sendOnce } from "./forms";
import { Queue } from "./queue";
import { adopt, userId } from "./session";
import { tellTabs } from "./watch";

let queue: Queue | null = null;

function begin(): void {
  const sale = document.getElementById("queue")?.dataset.sale;
  const isIn = document.querySelector("#queue .place, #queue .turn");
  queue = sale && isIn && userId() ? new Queue(sale, { reload }) : null;
}

/** Until the page is there, the queue goes on as it is. */
async function reload(): Promise<void> {
  await reloadMain(adopt);
  queue?.close();
  begin();
}

sendOnce();
tellTabs();
runCountdowns(() => void reload().catch(() => location.reload()));
begin();
