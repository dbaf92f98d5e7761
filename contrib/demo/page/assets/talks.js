// Direct and group conversations: what they are called, and the dialog in which one begins one.

import { el, face, get } from "./dom.js";

/** Says what a conversation is called for somebody who is in it: by its name, or after the others, in a group by their first names. */
export function title(town, side, c, person) {
  const others = c.members.filter((id) => id !== person).map((id) => town.person(side, id).name);
  return c.name || (others.length === 1 ? others[0] : others.map((name) => name.split(" ")[0]).join(", "));
}

/** Gives a small picture of a direct or group conversation. */
export function portrait(town, side, c, person) {
  const others = c.members.filter((id) => id !== person);
  return others.length === 1 ? face(town.person(side, others[0]).name) : el("span", { class: "face several", "aria-hidden": "true" }, String(others.length));
}

/** The dialog in which one chooses whom to write to. */
export class TalkDialog {
  constructor(town, opened) {
    this.town = town;
    this.opened = opened; // (side, conversation)
    this.dialog = get("talk-with");
    this.note = get("talk-with-note");
    get("talk-with-form").addEventListener("submit", (e) => {
      e.preventDefault();
      this.begin();
    });
  }

  ask(side, person) {
    Object.assign(this, { side, person });
    const { people } = this.town.hello.sides[side];
    const others = people.filter((p) => p.id !== person && p.twin);
    const alone = people.filter((p) => !p.twin).map((p) => p.name);
    get("talk-with-title").textContent = `New message from ${this.town.person(side, person).name}`;
    get("talk-with-people").replaceChildren(...others.map((p) => el("label", {}, el("input", { type: "checkbox", value: p.id }), face(p.name), p.name)));
    get("talk-with-alone").textContent = alone.length ? `Not offered: ${alone.join(" and ")}, not connected with ${this.town.hello.sides[1 - side].service}.` : "";
    this.note.textContent = "";
    this.dialog.showModal();
    get("talk-with-people").querySelector("input").focus();
  }

  async begin() {
    const people = [...get("talk-with-people").querySelectorAll("input:checked")].map((i) => i.value);
    if (people.length === 0) {
      this.note.textContent = "Choose at least one.";
      return;
    }
    const made = await this.town.act("open", { side: this.side, person: this.person, people });
    if (!made) return; // the page tells why
    this.dialog.close();
    await this.town.placed(this.side, made.id);
    this.opened(this.side, made.id);
  }
}
