// The parts of the page, which the server has rendered, and its words.

import { Refusal } from "../rest";

/** An element that the page has. */
export function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}

export const field = (id: string): HTMLInputElement => part(id) as HTMLInputElement;
export const choice = (id: string): HTMLSelectElement => part(id) as HTMLSelectElement;

/** A text of the page in its language; `{name}` stands for a value. */
export function word(id: string, values: Record<string, string | number> = {}): string {
  const found = document.querySelector(`#words [data-word="${id}"]`)?.textContent ?? id;
  return found.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Shows what went wrong, in the words of the server. */
export function complain(id: string, error: unknown): void {
  const place = part(id);
  place.textContent = error instanceof Refusal ? `${error.message} (${String(error.problem.code ?? error.status)})` : word("unreachable");
  place.hidden = false;
}

/** Says that something was done. */
export function tell(id: string, text: string): void {
  const place = part(id);
  place.textContent = text;
  place.hidden = false;
}

export const hide = (...ids: string[]): void => ids.forEach((id) => (part(id).hidden = true));

/** Numbers as the language of the page writes them. */
export const number = (value: number, digits = 0): string =>
  value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });

export const moment = (at: string | null | undefined): string =>
  at ? new Date(at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" }) : "–";

/** Carries a form out: one call at a time, with its outcome shown. */
export function onSubmit(form: string, trouble: string, act: (event: SubmitEvent) => Promise<void>): void {
  let isBusy = false;
  part(form).addEventListener("submit", (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    hide(trouble);
    act(event as SubmitEvent)
      .catch((error: unknown) => complain(trouble, error))
      .finally(() => (isBusy = false));
  });
}
