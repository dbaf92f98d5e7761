// Renews what a page shows when the server says that something has changed. Without it, reloading does the same.
"use strict";

(() => {
  const state = document.getElementById("live");
  if (!state || !window.EventSource) return;
  const minute = 60_000;
  let busy = false, again = false;

  const say = (text, well) => {
    state.dataset.well = well ? "1" : "0";
    if (state.textContent !== text) state.textContent = text;
  };

  // A part in which somebody types is left as it is.
  const typing = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");

  // What had the focus before a part was renewed is found again by where it leads.
  const place = (part) => {
    const at = document.activeElement;
    return part.contains(at) && at.getAttribute("href");
  };

  const renew = (page) => {
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh || typing(part) || fresh.innerHTML === part.innerHTML) continue;
      const href = place(part);
      const next = document.importNode(fresh, true);
      part.replaceWith(next);
      next.classList.add("changed");
      if (href) next.querySelector(`[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
    }
    document.title = page.title;
  };

  const look = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
      if (answer.status === 401) { location.reload(); return; }
      if (answer.ok) renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch { // the stream says that the server is away
    } finally {
      busy = false;
    }
    if (again) { again = false; look(); }
  };

  const events = new EventSource("live");
  let before = false;
  events.onopen = () => { say("live", true); if (before) look(); before = true; };
  events.onerror = () => say("not connected, trying again", false);
  events.addEventListener("changed", look);
  setInterval(look, minute); // how long things have been so
  window.addEventListener("pagehide", () => events.close());
})();
