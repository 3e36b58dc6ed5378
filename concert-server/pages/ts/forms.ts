// Forms that are sent once, however often their button is pressed.

export function sendOnce(): void {
  // The answer to a form is no page to come back to: "back" asks for the page that it shows.
  const page = document.body.dataset.page;
  if (page) history.replaceState(null, "", page);
  keepTyped();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
  // Back from another page, the form can be sent again: its key says whether it was.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    }
  });
}

/** The switch of the language takes along the name that is typed. */
function keepTyped(): void {
  const field = document.querySelector<HTMLInputElement>("main input[name=username]");
  const link = document.querySelector<HTMLAnchorElement>("a.language");
  if (!field || !link) return;
  link.addEventListener("click", () => {
    const address = new URL(link.href);
    address.searchParams.set("username", field.value);
    link.href = address.href;
  });
}
