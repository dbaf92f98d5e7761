// The levers and figures above the panes, and what stands between them.

import { el, get, span } from "./dom.js";

const spokenEvery = 3000; // ms: nobody wants to hear every figure

export class Bench {
  constructor(town, guide) {
    this.town = town;
    this.guide = guide;
    get("power").addEventListener("click", () => this.power());
    get("talk").addEventListener("submit", (e) => {
      e.preventDefault();
      if (this.news?.talking) {
        town.act("talk", { count: 0 });
        return;
      }
      guide.done("talk");
      town.act("talk", { count: Number(get("talk-count").value), on: get("talk-trouble").checked });
    });
  }

  open(hello) {
    get("faults").replaceChildren(...hello.faults.map((f) => el("button", {
      type: "button", "aria-pressed": "false", title: f.what, data: { fault: f.name },
      onclick: (e) => this.town.act("fault", { name: f.name, on: e.currentTarget.getAttribute("aria-pressed") !== "true" }),
    }, f.label)));
  }

  power() {
    const on = !this.news?.causeway.running;
    if (!on) this.guide.done("kill");
    this.town.act("causeway", { on });
  }

  show(news, changed) {
    this.news = news;
    for (const part of ["levers", "panes"]) get(part).inert = !news.open; // nothing can be done before all is set up
    const power = get("power");
    power.querySelector("span").textContent = news.causeway.running ? "Kill Causeway (−9)" : "Start Causeway";
    power.classList.toggle("off", !news.causeway.running);
    for (const b of get("faults").children) b.setAttribute("aria-pressed", String(Boolean(news.faults[b.dataset.fault])));
    get("talk-button").querySelector("span").textContent = news.talking ? "Stop talking" : "Everybody talks";
    this.status(news.mood, news.problem ? `${news.status} (${news.problem})` : news.status);
    for (const dd of get("counts").querySelectorAll("dd")) {
      const value = String(news.counts[dd.dataset.count]);
      if (dd.textContent !== value) dd.textContent = value;
      dd.parentElement.classList.toggle("some", value !== "0");
    }
    this.between(news, changed);
  }

  status(mood, text) {
    get("status").dataset.mood = mood;
    get("status-text").textContent = text;
    this.say(text, mood !== this.mood);
    this.mood = mood;
  }

  /** Tells those who listen instead of looking, now and then. */
  say(text, atOnce) {
    this.next = text;
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      if (get("spoken").textContent !== this.next) get("spoken").textContent = this.next;
    }, atOnce ? 200 : spokenEvery);
  }

  lost(ended) {
    this.status("broken", ended ? "The demonstration has ended. Start it again and open the address that it prints."
      : "The demonstration does not answer; the page tries again by itself.");
  }

  /** Shows the process, what waits on either side of it, and what has just crossed. */
  between(news, changed) {
    get("process").textContent = news.causeway.running ? `process ${news.causeway.pid}` : news.causeway.killed ? "killed" : "not running";
    get("panes").classList.toggle("down", !news.causeway.running);
    for (const [side, id, arrow] of [[0, "to-right", "→"], [1, "to-left", "←"]]) {
      const n = news.counts.waitingBy[side];
      const e = get(id);
      e.textContent = n ? (side === 0 ? `${n} ${arrow}` : `${arrow} ${n}`) : "";
    }
    const crossed = changed.filter(({ m, before }) => !m.copy && m.state === "settled" && m.twin && m.took > 0 &&
      (!before || before.took !== m.took || before.state !== "settled")).map(({ m }) => m);
    for (const m of crossed.sort((a, b) => a.at - b.at).slice(-12)) this.crossing(m.from, m.took);
    get("median").textContent = news.counts.crossed ? `half within ${span(news.counts.median)}` : "";
  }

  crossing(side, took) {
    const list = get("crossings");
    list.prepend(el("span", { class: side === 0 ? "right" : "left" }, side === 0 ? `${span(took)} →` : `← ${span(took)}`));
    while (list.children.length > 14) list.lastChild.remove();
  }
}
