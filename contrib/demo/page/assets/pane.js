// One side: its conversations, its messages, and what one can do with them.

import { clock, el, face, get, icon, rendered, span } from "./dom.js";
import { drawFiles } from "./attach.js";
import { MarkdownComposer, RichComposer } from "./compose.js";
import { portrait, title } from "./talks.js";

export class Pane {
  constructor(town, side, page) {
    this.town = town;
    this.side = side;
    this.page = page; // highlight(side, id), pickEmoji(button, take), stepDone(name)
    this.root = get("pane-" + side);
    this.markdown = side === 0;
    this.posts = new Map(); // id → article
    this.unread = new Map(); // conversation → number
    this.reply = null; // id of the root one is replying to
    this.editing = null; // message
    this.reading = false; // what is further up, in a list of the size known
  }

  get other() { return this.town.hello.sides[1 - this.side].service; }

  /** The conversation that is shown. */
  get place() { return this.town.places[this.side].get(this.conversation); }

  /** Whether it is no channel. */
  get talking() { return this.place.kind !== "channel"; }

  /** Whether replies stand among the other messages, and not in cards. */
  get flat() { return this.markdown || this.talking; }

  /** Whether nobody is about to say something. */
  get idle() { return this.composer.empty() && this.composer.attachments.files.length === 0; }

  /** Builds the pane when the server has told who is there. */
  open(hello) {
    const view = hello.sides[this.side];
    if (this.view && JSON.stringify(this.view) === JSON.stringify(view)) return;
    this.view = view;
    this.person = view.people[0].id;
    this.log = el("div", { class: "log", role: "log", "aria-live": "off", "aria-label": `Messages in ${view.service}`, tabindex: "-1" });
    this.newest = el("button", { type: "button", class: "newest", hidden: true, onclick: () => this.toEnd() }, icon("down"), "Newest");
    this.title = el("h2");
    this.picture = el("span", { class: "portrait" });
    this.count = el("span");
    const handlers = { send: () => this.send(), cancel: () => this.cancel(), lastOwn: () => this.editLast(), complain: (text) => this.page.complain(text) };
    const kind = this.markdown ? MarkdownComposer : RichComposer;
    this.composer = new kind(this.side, "Write", view.people, handlers);
    this.composer.attachments.limit(hello.maxFiles, hello.maxFile);
    this.composer.form.append(this.people());
    this.root.querySelector(".place").replaceChildren(
      el("header", { class: "head" }, this.picture, this.title, el("span", { class: "members" }, icon("people"), this.count)),
      this.log, this.newest, this.composer.form);
    this.log.addEventListener("scroll", () => this.scrolled());
    new ResizeObserver(() => this.resized()).observe(this.log);
    this.log.addEventListener("keydown", (e) => this.key(e));
    this.log.addEventListener("focusin", (e) => this.pointed(e.target.closest("article"), true));
    this.log.addEventListener("focusout", () => this.page.highlight(this.side, null));
    this.log.addEventListener("pointerover", (e) => this.pointed(e.target.closest("article")));
    this.log.addEventListener("pointerleave", () => this.page.highlight(this.side, null));
    if (this.place) this.select(this.conversation);
    this.be(this.person);
  }

  // Who one is, and where.

  /** Takes in which conversations there are. */
  placed() {
    if (this.place) this.drawSide();
    else this.select([...this.town.places[this.side].keys()][0]);
  }

  people() {
    const name = "person-" + this.side;
    return el("fieldset", { class: "as" }, el("legend", {}, "You are"),
      ...this.view.people.map((p, i) => el("label", { title: p.twin ? `${p.name}, who is ${this.town.person(1 - this.side, p.twin).name} in ${this.other}` : `${p.name}, who has not connected with ${this.other}` },
        el("input", { type: "radio", name, value: p.id, checked: i === 0, "aria-label": p.name, onchange: () => this.become(p.id) }), face(p.name), p.name.split(" ")[0])));
  }

  become(id) {
    this.be(id);
    if (!this.place.members.includes(id)) this.page.select(this.side, [...this.town.places[this.side].keys()][0]);
    else if (this.talking) this.page.select(this.side, this.conversation);
  }

  be(id) {
    this.person = id;
    this.composer.form.querySelector(`.as input[value="${id}"]`).checked = true;
    this.root.querySelector(".bar .face").replaceWith(face(this.town.person(this.side, id).name));
    this.drawSide();
    for (const id of this.posts.keys()) this.draw(this.town.message(this.side, id)); // what is one's own
  }

  /** Shows a conversation, as somebody who is in it, and rather not as one of them. */
  follow(id, not) {
    const c = this.town.places[this.side].get(id);
    if (c.kind !== "channel" && (!c.members.includes(this.person) || this.person === not)) this.be(c.members.find((m) => m !== not));
    if (this.conversation !== id) this.select(id);
    else this.showHead();
  }

  /** Lists the conversations of whoever one is. */
  drawSide() {
    const side = this.root.querySelector(".side");
    const focused = side.contains(document.activeElement) && document.activeElement.dataset.conversation;
    const mine = [...this.town.places[this.side].values()].filter((c) => c.members.includes(this.person));
    const list = (heading, all, last) => [el("h3", {}, heading), el("ul", {}, ...all.map((c) => el("li", {}, this.entry(c))), last)];
    side.replaceChildren(
      el("h2", {}, this.markdown ? "" : face(this.view.organisation), this.view.organisation),
      ...list("Channels", mine.filter((c) => c.kind === "channel")),
      ...list(this.markdown ? "Direct messages" : "Chats", mine.filter((c) => c.kind !== "channel"), el("li", {}, this.begin())));
    if (focused) side.querySelector(`[data-conversation="${focused}"]`)?.focus();
    this.showUnread();
  }

  entry(c) {
    const name = title(this.town, this.side, c, this.person);
    return el("button", { type: "button", title: name, data: { conversation: c.id }, "aria-current": c.id === this.conversation ? "true" : null, onclick: () => this.page.select(this.side, c.id) },
      c.kind === "channel" ? (this.markdown ? icon("globe") : null) : portrait(this.town, this.side, c, this.person), el("span", {}, name), el("span", { class: "unread", hidden: true }));
  }

  /** Gives the button with which one begins a direct or group conversation, or says why there is none. */
  begin() {
    const { name, twin } = this.town.person(this.side, this.person);
    if (!twin) return el("p", { class: "none" }, `${name} has not connected with ${this.other}.`);
    return el("button", { type: "button", class: "begin", data: { conversation: "new" }, onclick: () => this.page.begin(this.side) }, icon("plus"), el("span", {}, "New message"));
  }

  select(id) {
    this.conversation = id;
    this.cancel();
    this.unread.set(id, 0);
    this.root.classList.toggle("talking", this.talking);
    for (const app of this.root.querySelectorAll(".rail [data-app]")) app.classList.toggle("here", app.dataset.app === (this.talking ? "chat" : "teams"));
    this.composer.people = this.view.people.filter((p) => this.place.members.includes(p.id));
    this.drawSide();
    this.showHead();
    this.log.replaceChildren();
    this.posts.clear();
    for (const m of this.sorted()) this.draw(m);
    this.toEnd();
  }

  showHead() {
    this.title.textContent = title(this.town, this.side, this.place, this.person);
    this.picture.replaceChildren(...(this.talking ? [portrait(this.town, this.side, this.place, this.person)] : this.markdown ? [] : [face(this.view.organisation)]));
    this.count.textContent = String(this.talking ? this.place.members.length : this.view.people.length + 1); // Causeway is there, too
    this.tellWhere();
  }

  tellWhere() {
    if (!this.place) return;
    const name = title(this.town, this.side, this.place, this.person);
    this.composer.label(this.markdown ? `Write to ${name}` : this.reply ? "Reply" : this.talking ? `Type a message to ${name}` : `Start a post in ${name}`);
  }

  showUnread() {
    for (const b of this.root.querySelectorAll(".side button")) {
      const n = this.unread.get(b.dataset.conversation) || 0;
      const badge = b.querySelector(".unread");
      if (!badge) continue;
      badge.hidden = n === 0;
      badge.textContent = n > 99 ? "99+" : n || "";
    }
  }

  sorted() {
    return [...this.town.messages[this.side].values()].filter((m) => m.conversation === this.conversation).sort(before);
  }

  // Messages.

  /** Forgets all, since everything comes anew. */
  forget() {
    this.log.replaceChildren();
    this.posts.clear();
    this.unread.clear();
    this.showUnread();
  }

  /** Shows a message that is new or has changed. */
  show(m, isNew) {
    if (m.conversation !== this.conversation) {
      if (isNew) this.unread.set(m.conversation, (this.unread.get(m.conversation) || 0) + 1);
      this.showUnread();
      return;
    }
    const atEnd = this.atEnd();
    this.draw(m);
    if (atEnd) this.toEnd();
    else if (isNew) this.newest.hidden = false;
  }

  draw(m) {
    const known = this.posts.get(m.id);
    const article = known || this.article(m);
    if (!known) this.settle(m, article);
    const mine = m.person === this.person && !m.deleted;
    article.className = "post" + (m.root ? " reply" : "") + (m.copy ? " copy" : "") + (m.deleted ? " deleted" : "") +
      (mine ? " mine" : "") + " " + m.state + (article.classList.contains("lit") ? " lit" : "");
    article.setAttribute("aria-label", `${m.author}, ${clock(m.at)}${m.root ? ", a reply" : ""}`);
    part(article, "author").textContent = m.author;
    part(article, "edited").textContent = m.edited && !m.deleted ? "edited" : "";
    part(article, "text").replaceChildren(...(m.deleted ? [el("em", {}, "(message deleted)")] : rendered(m.body)));
    drawFiles(part(article, "files"), m);
    this.drawReactions(article, m);
    this.drawState(article, m);
    for (const b of article.querySelectorAll("[data-own]")) b.hidden = !mine;
    for (const b of article.querySelectorAll("[data-do='reply'], [data-do='react']")) b.hidden = Boolean(m.deleted);
    this.joinUp(article);
    this.joinUp(article.nextElementSibling);
  }

  article(m) {
    const tool = (act, label, key, own) => el("button", {
      type: "button", "aria-label": label, title: `${label} (${key})`, "aria-keyshortcuts": key, data: own ? { do: act, own: "" } : { do: act },
      onclick: (e) => this.act(act, m.id, e.currentTarget),
    }, icon({ react: "smile", other: "swap" }[act] || act));
    return el("article", { tabindex: "-1", data: { id: m.id } },
      face(m.author), el("div", { class: "what" },
        this.markdown ? el("p", { class: "context" }) : null,
        el("header", {}, el("b", { class: "author" }), m.copy && !m.person && this.markdown ? el("span", { class: "badge" }, "BOT") : null,
          el("time", { datetime: new Date(m.at).toISOString() }, clock(m.at)), el("span", { class: "edited" })),
        this.markdown ? null : el("p", { class: "context" }), el("div", { class: "text" }), el("div", { class: "files" }), el("div", { class: "reactions" }), el("p", { class: "state" })),
      el("div", { class: "tools", role: "group", "aria-label": "Actions" },
        tool("react", "React", "A"), tool("reply", "Reply", "R"), tool("edit", "Edit", "E", true), tool("delete", "Delete", "Delete", true),
        tool("other", "Show the other side", "O")));
  }

  /** Puts a new message where it belongs: by time, in channels of Teams into its thread's card. */
  settle(m, article) {
    this.posts.set(m.id, article);
    if (this.posts.size === 1) this.choose(article);
    if (this.flat) {
      insert(this.log, article, m, [...this.log.children], (e) => this.town.message(this.side, e.dataset.id));
      return;
    }
    const card = this.card(m.root || m.id);
    if (!m.root) {
      card.prepend(article);
      insert(this.log, card, m, [...this.log.children].filter((c) => c !== card), (e) => this.town.message(1, e.dataset.root));
    } else {
      const replies = part(card, "replies");
      insert(replies, article, m, [...replies.children], (e) => this.town.message(1, e.dataset.id));
    }
  }

  card(root) {
    let card = [...this.log.children].find((c) => c.dataset.root === root);
    if (!card) {
      card = el("div", { class: "card", role: "group", "aria-label": "Thread", data: { root } }, el("div", { class: "replies" }),
        el("button", { type: "button", class: "answer", tabindex: "-1", onclick: () => this.act("reply", root) }, "Reply"));
      this.log.append(card);
    }
    return card;
  }

  /** Says what a reply answers to, where it does not stand below it, and leaves out what the message above says as well. */
  joinUp(article) {
    if (!article || !this.flat) return;
    const m = this.town.message(this.side, article.dataset.id);
    const above = article.previousElementSibling && this.town.message(this.side, article.previousElementSibling.dataset.id);
    const thread = this.markdown && above && (above.root || above.id) === (m.root || m.id) && m.root;
    const more = above && above.author === m.author && m.at - above.at < 300000 && (m.root ? thread : !above.root);
    article.classList.toggle("more", Boolean(more));
    const root = m.root && this.town.message(this.side, m.root);
    part(article, "context").replaceChildren(...(!root || thread ? []
      : this.markdown ? [icon("reply"), "Replied to ", el("b", {}, root.author), ": ", excerpt(root)] : [el("b", {}, root.author), el("span", {}, excerpt(root))]));
  }

  drawReactions(article, m) {
    const box = part(article, "reactions");
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.emoji : null;
    box.replaceChildren(...(m.deleted ? [] : m.reactions || []).map((r) => {
      const names = r.by.map((id) => (id ? this.town.person(this.side, id)?.name : "Causeway") || "somebody");
      const mine = r.by.includes(this.person);
      return el("button", {
        type: "button", "aria-pressed": String(mine), "aria-label": `${r.emoji} ${r.by.length}, from ${names.join(", ")}`, title: names.join(", "),
        tabindex: article.tabIndex, data: { emoji: r.emoji }, onclick: () => this.react(m.id, r.emoji, !mine),
      }, el("span", {}, r.emoji), String(r.by.length));
    }));
    if (focused) ([...box.children].find((b) => b.dataset.emoji === focused) || article).focus();
  }

  drawState(article, m) { part(article, "state").textContent = this.state(m); }

  /** Says how it stands with a message, and how long it took to cross. */
  state(m) {
    const waited = m.since ? span(Math.max(0, this.town.now() - m.since)) : "";
    if (m.state === "waiting") return `Not in ${this.other} yet, ${waited}`;
    if (m.state === "behind") return `A change is not on the other side yet, ${waited}`;
    if (m.state === "alone") return "Copy; its origin is not known yet";
    if (!m.twin) return "Deleted before it crossed";
    return m.copy ? `Copy · from ${this.other} in ${span(m.took)}` : `Origin · in ${this.other} after ${span(m.took)}`;
  }

  /** Lets the waiting times run. */
  tick() {
    for (const [id, article] of this.posts) {
      const m = this.town.message(this.side, id);
      if (m && m.since) this.drawState(article, m);
    }
  }

  // Doing things.

  act(name, id, button) {
    const m = this.town.message(this.side, id);
    if (!m) return;
    if (name === "other") {
      this.page.goToTwin(this.side, id);
    } else if (m.deleted) {
      return;
    } else if (name === "react") {
      this.page.pickEmoji(button || this.posts.get(id), (emoji) => this.react(id, emoji, true));
    } else if (name === "reply") {
      this.cancel();
      const first = this.town.message(this.side, m.root);
      const root = !first || (first.deleted && this.talking) ? m : first; // a chat's programs answer nothing that is gone
      this.reply = root.id;
      this.composer.tell(`Replying to ${root.author}: ${excerpt(root)}`);
      this.tellWhere();
      this.composer.focus();
    } else if (m.person === this.person && name === "edit") {
      this.cancel();
      this.editing = m;
      this.composer.attachments.allow(false);
      this.composer.tell("Editing your message");
      this.composer.fill(m);
      this.composer.focus();
    } else if (m.person === this.person && name === "delete") {
      this.town.act("delete", this.what({ id })).then((ok) => ok && this.page.stepDone("change"));
      this.posts.get(id)?.focus();
    }
  }

  what(more) { return { side: this.side, person: this.person, conversation: this.conversation, ...more }; }

  async react(id, emoji, on) {
    if (await this.town.act("react", this.what({ id, emoji, on }))) this.page.stepDone("change");
  }

  async send() {
    const said = this.composer.text();
    const attached = this.composer.attachments;
    if ((!said.text.trim() && (this.editing || attached.files.length === 0)) || this.sending) return;
    this.sending = true;
    let done = false;
    try {
      done = this.editing ? await this.town.act("edit", this.what({ id: this.editing.id, ...said }))
        : await this.town.act("say", this.what({ root: this.reply || "", files: await attached.read(), ...said }));
    } catch (e) { // a file that has gone meanwhile
      this.page.complain("Reading a file: " + e.message);
    }
    this.sending = false;
    if (!done) return;
    this.page.stepDone(this.editing || this.reply ? "change" : this.talking ? "direct" : "say");
    if (!this.editing && !this.reply) this.toEnd();
    if (!this.editing) attached.clear();
    this.composer.clear();
    this.cancel();
  }

  cancel() {
    if (this.editing) this.composer.clear();
    this.reply = this.editing = null;
    this.composer.attachments.allow(true);
    this.composer.tell("");
    this.tellWhere();
  }

  editLast() {
    const last = this.sorted().reverse().find((m) => m.person === this.person && !m.deleted);
    if (last) this.act("edit", last.id);
  }

  // Moving about.

  /** Makes a message the one that the Tab key reaches. */
  choose(article) {
    for (const [on, a] of [[false, this.current], [true, article]]) {
      if (!a) continue;
      a.tabIndex = on ? 0 : -1;
      for (const b of a.querySelectorAll(".reactions button, .text a, .files a")) b.tabIndex = on ? 0 : -1;
    }
    this.current = article;
  }

  pointed(article, focused) {
    if (!article) return;
    if (focused) this.choose(article);
    this.page.highlight(this.side, article.dataset.id);
    this.page.stepDone("look", article.dataset.id);
  }

  key(e) {
    const article = e.target.closest("article");
    if (!article || e.ctrlKey || e.metaKey || e.altKey) return;
    const all = [...this.log.querySelectorAll("article")];
    const at = all.indexOf(article);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key];
    if (to !== undefined) {
      e.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, to))].focus();
      return;
    }
    if (e.key === "Escape" && e.target !== article) {
      article.focus();
      return;
    }
    const act = { r: "reply", e: "edit", a: "react", o: "other", Delete: "delete" }[e.key];
    if (!act || e.target !== article) return;
    e.preventDefault();
    this.act(act, article.dataset.id);
  }

  atEnd() { return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60; }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.newest.hidden = true;
  }

  scrolled() {
    if (this.size() === this.known) this.reading = !this.atEnd(); // else the browser has scrolled, nobody else
    if (!this.reading) this.newest.hidden = true;
    this.page.redraw();
  }

  size() { return `${this.log.clientWidth}×${this.log.clientHeight}`; }

  /** Keeps the newest in sight when the list has got another size. */
  resized() {
    this.known = this.size();
    if (!this.reading) this.toEnd();
    this.page.redraw();
  }
}

const part = (e, name) => e.querySelector("." + name);

const before = (a, b) => a.at - b.at || (a.id < b.id ? -1 : 1);

/** Puts a piece among others that are in order, from the end on, where new ones mostly belong. */
function insert(parent, piece, m, others, messageOf) {
  let next = null;
  for (const e of others.reverse()) {
    const x = messageOf(e);
    if (x && before(x, m) < 0) break;
    next = e;
  }
  parent.insertBefore(piece, next);
}

/** Gives the first words of a message. */
function excerpt(m) {
  const words = (nodes) => (nodes || []).map((n) => (n.t || "") + words(n.c) + (n.e === "p" ? " " : "")).join("");
  const text = m.deleted ? "(message deleted)" : words(m.body).trim() || (m.files || []).map((f) => f.name).join(", ");
  return text.length > 60 ? text.slice(0, 58) + "…" : text;
}
