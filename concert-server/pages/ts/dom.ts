// Small helpers around the document.

type Child = Node | string;

/** Makes an element. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

let voice: HTMLElement | null = null;

/** Says something to those who listen to the page. */
export function announce(words: string): void {
  if (!voice) {
    voice = make("div", { class: "hidden", role: "status", "aria-live": "polite", id: "voice" });
    document.body.append(voice);
  }
  // The same words twice are news only if they were away in between.
  voice.textContent = "";
  const region = voice;
  setTimeout(() => (region.textContent = words), 50);
}

/** Loads this page again and shows what is in it now, without leaving it. `false`: it could not be had. */
export async function reloadMain(took: (page: Document) => void): Promise<boolean> {
  const response = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
  if (!response.ok || response.redirected) {
    location.reload();
    return false;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const [now, then] = [document.querySelector("main"), page.querySelector("main")];
  if (!now || !then) return false;
  const hadFocus = now.contains(document.activeElement);
  now.replaceChildren(...then.childNodes);
  document.title = page.title;
  if (hadFocus) now.focus();
  took(page);
  return true;
}
