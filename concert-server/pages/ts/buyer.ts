// The buyer's pages but the hall: countdowns, the queue, what is held.

import { runCountdowns } from "./countdown";
import { reloadMain } from "./dom";
import { sendOnce } from "./forms";
import { Queue } from "./queue";
import { adopt, userId } from "./session";

let queue: Queue | null = null;

function begin(): void {
  const sale = document.getElementById("queue")?.dataset.sale;
  const isIn = document.querySelector("#queue .place, #queue .turn");
  queue = sale && isIn && userId() ? new Queue(sale, { reload }) : null;
}

async function reload(): Promise<void> {
  queue?.close();
  queue = null;
  await reloadMain(adopt);
  begin();
}

sendOnce();
runCountdowns(() => void reload().catch(() => location.reload()));
begin();
