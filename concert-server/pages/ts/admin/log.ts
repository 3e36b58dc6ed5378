// What operators have done, the newest first.

import { make } from "../dom";
import type { Desk } from "./desk";
import { complain, hide, moment, part } from "./page";

const PAGE = 50;

interface Entry {
  entryId: string;
  at: string;
  by: string;
  act: string;
  subject: string;
  subjectId: string | null;
  before: unknown;
  after: unknown;
}

const short = (value: unknown): string => (value === null || value === undefined ? "" : JSON.stringify(value));

export function showLog(desk: Desk): void {
  let last = "";
  const load = async (from: string) => {
    hide("log-trouble");
    try {
      const { data, hasMore } = await desk.get<{ data: Entry[]; hasMore: boolean }>(`/log?limit=${PAGE}${from ? `&startingAfter=${from}` : ""}`);
      const rows = data.map((entry) =>
        make(
          "tr",
          {},
          make("td", {}, make("time", { datetime: entry.at }, moment(entry.at))),
          make("td", {}, entry.by),
          make("th", { scope: "row" }, entry.act),
          make("td", {}, `${entry.subject} ${entry.subjectId ?? ""}`),
          make("td", {}, [short(entry.before), short(entry.after)].filter(Boolean).join(" → ")),
        ),
      );
      if (from) part("log-rows").append(...rows);
      else part("log-rows").replaceChildren(...rows);
      last = data.at(-1)?.entryId ?? last;
      part("log-more").hidden = !hasMore;
    } catch (error) {
      complain("log-trouble", error);
    }
  };
  part("log-more").addEventListener("click", () => void load(last));
  part("log-again").addEventListener("click", () => void load(""));
  void load("");
}
