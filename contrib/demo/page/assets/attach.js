// Files: those that are about to be sent, beside where one writes, and those that messages show.

import { el, icon } from "./dom.js";

/** What is about to be attached to a message. */
export class Attachments {
  constructor(side, complain) {
    this.complain = complain; // (text)
    this.files = [];
    this.input = el("input", { type: "file", multiple: true, hidden: true, id: "attach-" + side, "aria-label": "Files to attach",
      onchange: () => { this.add(this.input.files); this.input.value = ""; this.button.focus(); } });
    this.button = el("button", { type: "button", class: "attach", "aria-label": "Attach files", title: "Attach files",
      onclick: () => this.input.click() }, icon("clip"));
    this.list = el("ul", { class: "attached", "aria-label": "Files to be sent", hidden: true });
  }

  /** Says how many files there may be, and how large. */
  limit(most, size) { Object.assign(this, { most, size }); }

  add(files) {
    for (const f of files) {
      if (this.files.length >= this.most) this.complain(`The demonstration takes ${this.most} files with a message.`);
      else if (f.size === 0 || f.size > this.size) this.complain(`${f.name} is ${f.size ? "larger than " + size(this.size) : "empty"}, which the demonstration does not take.`);
      else this.files.push(f);
    }
    this.draw();
  }

  /** Takes the files that were dropped or pasted; reports whether there were any. */
  take(e, from) {
    if (!from?.files.length || this.button.hidden) return false;
    e.preventDefault();
    this.add(from.files);
    return true;
  }

  clear() {
    this.files = [];
    this.draw();
  }

  /** Shows or hides the button: nothing is attached to a message that is there already. */
  allow(on) {
    this.button.hidden = !on;
    this.list.hidden = !on || this.files.length === 0;
  }

  draw() {
    this.list.replaceChildren(...this.files.map((f) => el("li", {}, icon("file"), el("span", {}, f.name), el("small", {}, size(f.size)),
      el("button", { type: "button", "aria-label": "Do not attach " + f.name, onclick: () => {
        this.files = this.files.filter((other) => other !== f);
        this.draw();
        this.button.focus();
      } }, icon("close")))));
    this.list.hidden = this.files.length === 0;
  }

  /** Gives the files as the server takes them. */
  read() {
    return Promise.all(this.files.map((f) => new Promise((done, failed) => {
      const reader = new FileReader();
      reader.onload = () => done({ name: f.name, data: reader.result.slice(reader.result.indexOf(",") + 1) });
      reader.onerror = () => failed(reader.error);
      reader.readAsDataURL(f);
    })));
  }
}

/** Shows the files of a message, pictures as such; a click fetches the file. */
export function drawFiles(box, m) {
  const shown = JSON.stringify(m.deleted ? [] : m.files || []);
  if (box.dataset.shown === shown) return; // pictures are not fetched anew
  box.dataset.shown = shown;
  box.replaceChildren(...JSON.parse(shown).map((f) => {
    const address = "api/file?" + new URLSearchParams({ side: m.side, conversation: m.conversation, message: m.id, file: f.id });
    const label = `Download ${f.name}, ${size(f.size)}`;
    return el("a", { href: address, download: f.name, title: label, "aria-label": label, class: f.picture ? "picture" : "file", tabindex: box.closest("article").tabIndex },
      ...(f.picture ? [el("img", { src: address, alt: f.name })] : [icon("file"), el("span", {}, f.name), el("small", {}, size(f.size))]));
  }));
}

/** Gives a number of bytes in words. */
export function size(bytes) {
  if (bytes < 1000) return bytes + "\u00a0B";
  return bytes < 1e6 ? Math.round(bytes / 1000) + "\u00a0kB" : (bytes / 1e6).toFixed(1) + "\u00a0MB";
}
