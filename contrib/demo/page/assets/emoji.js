// The small board on which one chooses a reaction.

import { el, get } from "./dom.js";
import { roving } from "./compose.js";

const columns = 6;

export class EmojiPicker {
  constructor() {
    this.board = get("emoji");
    this.board.addEventListener("keydown", (e) => {
      if (e.key === "Escape" || e.key === "Tab") {
        e.preventDefault();
        this.close();
      }
    });
    document.addEventListener("pointerdown", (e) => {
      if (!this.board.hidden && !this.board.contains(e.target)) this.close();
    });
  }

  offer(emoji) {
    this.board.replaceChildren(...emoji.map(({ char, name }) => el("button", {
      type: "button", "aria-label": name.replaceAll("_", " "), title: `:${name}:`,
      onclick: () => {
        const take = this.take;
        this.close();
        take(char);
      },
    }, char)));
    roving(this.board, columns);
  }

  open(anchor, take) {
    this.take = take;
    this.back = anchor;
    this.board.hidden = false;
    const box = anchor.getBoundingClientRect();
    const own = this.board.getBoundingClientRect();
    const left = Math.max(8, Math.min(box.right - own.width, innerWidth - own.width - 8));
    const top = box.bottom + own.height + 8 < innerHeight ? box.bottom + 4 : Math.max(8, box.top - own.height - 4);
    this.board.style.left = left + "px";
    this.board.style.top = top + "px";
    this.board.querySelector("button[tabindex='0']").focus();
  }

  close() {
    if (this.board.hidden) return;
    this.board.hidden = true;
    (this.back?.closest("article") || this.back)?.focus();
  }
}
