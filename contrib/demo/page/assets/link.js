// Shows which two instances belong together: both light up, and a line leads from one to the other.

import { get } from "./dom.js";

export class Link {
  constructor(town, panes, showTab) {
    this.town = town;
    this.panes = panes;
    this.showTab = showTab;
    this.pair = null; // [side, id]
  }

  articles() {
    if (!this.pair) return [];
    const [side, id] = this.pair;
    const m = this.town.message(side, id);
    const own = this.panes[side].posts.get(id);
    const other = m && m.twin ? this.panes[1 - side].posts.get(m.twin) : undefined;
    return side === 0 ? [own, other] : [other, own];
  }

  highlight(side, id) {
    if (!id) { // the pointer may have left a message that still has the focus
      const focused = document.activeElement?.closest("article");
      const pane = focused && this.panes.findIndex((p) => p.log?.contains(focused));
      [side, id] = focused && pane >= 0 ? [pane, focused.dataset.id] : [0, null];
    }
    if (id === (this.pair && this.pair[1])) return;
    document.querySelectorAll("article.lit").forEach((a) => a.classList.remove("lit"));
    this.pair = id ? [side, id] : null;
    if (id) reveal(this.panes[1 - side].log, this.articles()[1 - side]);
    this.draw();
  }

  goToTwin(side, id) {
    const m = this.town.message(side, id);
    const other = m && this.town.twin(m);
    if (!other) return;
    if (other.conversation !== this.panes[1 - side].conversation) this.panes[1 - side].follow(other.conversation, this.town.person(side, this.panes[side].person).twin);
    const twin = this.panes[1 - side].posts.get(other.id);
    if (!twin) return;
    this.showTab(1 - side);
    twin.focus();
    reveal(this.panes[1 - side].log, twin);
  }

  /** Draws the line anew, since things may have moved. */
  draw() {
    const path = get("thread").firstElementChild;
    const [left, right] = this.articles();
    for (const a of [left, right]) a?.classList.add("lit");
    if (!left || !right || !seen(this.panes[0].log, left) || !seen(this.panes[1].log, right)) {
      path.removeAttribute("d");
      return;
    }
    const at = get("panes").getBoundingClientRect();
    const a = left.getBoundingClientRect();
    const b = right.getBoundingClientRect();
    const [x1, y1, x2, y2] = [a.right - at.x, middle(a, this.panes[0].log) - at.y, b.left - at.x, middle(b, this.panes[1].log) - at.y];
    const bend = (x2 - x1) / 2;
    path.setAttribute("d", `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`);
  }
}

function middle(box, log) {
  const frame = log.getBoundingClientRect();
  return (Math.max(box.top, frame.top) + Math.min(box.bottom, frame.bottom)) / 2;
}

function seen(log, article) {
  const frame = log.getBoundingClientRect();
  const box = article.getBoundingClientRect();
  return frame.width > 0 && box.bottom > frame.top + 4 && box.top < frame.bottom - 4;
}

/** Scrolls a message into sight, within its own list alone. */
function reveal(log, article) {
  if (!article) return;
  const frame = log.getBoundingClientRect();
  const box = article.getBoundingClientRect();
  if (box.top < frame.top) log.scrollTop -= frame.top - box.top + 12;
  else if (box.bottom > frame.bottom) log.scrollTop += box.bottom - frame.bottom + 12;
}
