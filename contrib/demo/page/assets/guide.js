// What to try, for whoever is here for the first time; what one has tried gets a tick.

import { get } from "./dom.js";

export class Guide {
  constructor() {
    this.box = get("guide");
    this.button = get("open-guide");
    this.button.addEventListener("click", () => this.show(this.box.hidden));
    get("close-guide").addEventListener("click", () => {
      this.show(false);
      this.button.focus();
    });
    const before = localStorage.getItem("causeway-guide");
    this.show(before ? before === "open" : !matchMedia("(max-width: 860px)").matches, false);
  }

  open(hello) { get("about").textContent = hello.about; }

  show(on, remember = true) {
    this.box.hidden = !on;
    this.button.setAttribute("aria-expanded", String(on));
    if (remember) localStorage.setItem("causeway-guide", on ? "open" : "closed");
  }

  done(step) {
    const item = this.box.querySelector(`[data-step="${step}"]`);
    if (item && !item.classList.contains("done")) item.classList.add("done");
  }
}
