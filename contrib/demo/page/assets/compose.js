// Where one writes: Markdown in Mattermost, formatted text in Teams. Enter sends, Shift+Enter begins a new line, @ offers names.

import { el, face, icon } from "./dom.js";
import { Attachments } from "./attach.js";

/** The box, without what is in it. Its methods: text(), clear(), fill(message), focus(), format(name), mentionAt(), insertMention(). */
class Composer {
  constructor(side, handlers) {
    this.side = side;
    this.handlers = handlers; // send(), cancel(), lastOwn(), complain(text)
    this.attachments = new Attachments(side, handlers.complain);
  }

  /** Builds the whole form around the field. */
  build(tools) {
    this.note = el("span");
    this.banner = el("p", { class: "banner", hidden: true }, this.note,
      el("button", { type: "button", "aria-label": "Cancel", onclick: () => this.handlers.cancel() }, icon("close")));
    this.names = el("ul", { class: "names", role: "listbox", id: "names-" + this.side, "aria-label": "People to mention", hidden: true });
    this.tools = el("div", { class: "format", role: "toolbar", "aria-label": "Formatting" },
      ...tools.map(([name, label, content]) => el("button", {
        type: "button", "aria-label": label, title: label, data: { format: name },
        onmousedown: (e) => e.preventDefault(), // the selection stays
        onclick: () => { this.format(name); this.focus(); },
      }, content)),
      el("button", {
        type: "button", "aria-label": "Mention somebody", title: "Mention somebody", onmousedown: (e) => e.preventDefault(),
        onclick: () => { this.focus(); this.insert("@"); },
      }, icon("at")));
    roving(this.tools);
    this.send = el("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send (Enter)" }, icon("send"));
    this.form = el("form", { class: "composer", onsubmit: (e) => { e.preventDefault(); this.handlers.send(); } },
      this.banner, el("div", { class: "box" }, this.field, this.attachments.list,
        el("div", { class: "foot" }, this.tools, this.attachments.input, this.attachments.button, this.send)), this.names);
    this.field.addEventListener("paste", (e) => this.attachments.take(e, e.clipboardData));
    this.field.addEventListener("drop", (e) => this.attachments.take(e, e.dataTransfer));
    this.field.addEventListener("keydown", (e) => this.key(e));
    this.field.addEventListener("input", () => this.offer());
    this.field.addEventListener("blur", () => this.hideNames());
    return this.form;
  }

  tell(text) {
    this.note.textContent = text;
    this.banner.hidden = !text;
  }

  key(e) {
    if (e.isComposing) return;
    if (!this.names.hidden) {
      const all = [...this.names.children];
      const at = all.findIndex((n) => n.getAttribute("aria-selected") === "true");
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        e.preventDefault();
        this.choose((at + (e.key === "ArrowDown" ? 1 : all.length - 1)) % all.length);
        return;
      }
      if (e.key === "Enter" || e.key === "Tab") {
        e.preventDefault();
        this.take(this.offered[Math.max(at, 0)]);
        return;
      }
      if (e.key === "Escape") {
        e.preventDefault();
        this.hideNames();
        return;
      }
    }
    if (e.key === "Enter" && !e.shiftKey) {
      e.preventDefault();
      this.handlers.send();
    } else if (e.key === "Escape") {
      this.handlers.cancel();
    } else if (e.key === "ArrowUp" && this.empty()) {
      e.preventDefault();
      this.handlers.lastOwn();
    }
  }

  /** Offers the names that what stands before the caret may begin. */
  offer() {
    const typed = this.mentionAt();
    this.offered = typed === null ? [] : this.people.filter((p) => p.handle.toLowerCase().startsWith(typed.toLowerCase()) && p.handle.length >= typed.length);
    if (this.offered.length === 0 || (typed && this.offered.some((p) => p.handle === typed))) {
      this.hideNames();
      return;
    }
    this.names.replaceChildren(...this.offered.map((p, i) => el("li", {
      role: "option", id: `name-${this.side}-${i}`, onmousedown: (e) => { e.preventDefault(); this.take(p); },
    }, face(p.name), el("span", {}, p.handle))));
    this.names.hidden = false;
    this.choose(0);
  }

  choose(i) {
    [...this.names.children].forEach((n, j) => n.setAttribute("aria-selected", String(i === j)));
    this.field.setAttribute("aria-activedescendant", `name-${this.side}-${i}`);
  }

  hideNames() {
    this.names.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }

  take(person) {
    this.hideNames();
    this.insertMention(person);
  }
}

/** Mattermost's: Markdown, as it is typed. */
export class MarkdownComposer extends Composer {
  constructor(side, label, people, handlers) {
    super(side, handlers);
    this.people = people;
    this.field = el("textarea", {
      id: "write-" + side, rows: "2", "aria-label": label, placeholder: label, maxlength: "4000", autocomplete: "off",
      "aria-autocomplete": "list", "aria-controls": "names-" + side,
    });
    this.build([
      ["**", "Bold", el("b", {}, "B")], ["*", "Italic", el("i", {}, "I")], ["~~", "Strike", el("s", {}, "S")],
      ["`", "Code", icon("code")], ["- ", "List", icon("list")], ["> ", "Quote", icon("quote")],
    ]);
  }

  label(text) {
    this.field.placeholder = text;
    this.field.setAttribute("aria-label", text);
  }

  text() { return { text: this.field.value, mentions: [] }; }
  empty() { return this.field.value === ""; }
  clear() { this.field.value = ""; }
  focus() { this.field.focus(); }

  fill(m) {
    this.field.value = m.source || "";
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  insert(text) {
    const { selectionStart: from, selectionEnd: to } = this.field;
    this.field.setRangeText(text, from, to, "end");
    this.offer();
  }

  format(mark) {
    const { selectionStart: from, selectionEnd: to, value } = this.field;
    if (mark.endsWith(" ")) { // begins a line
      const start = value.lastIndexOf("\n", from - 1) + 1;
      this.field.setRangeText(value.slice(start, to).replace(/^/gm, mark), start, to, "end");
      return;
    }
    this.field.setRangeText(mark + value.slice(from, to) + mark, from, to, "end");
    if (from === to) this.field.setSelectionRange(from + mark.length, from + mark.length);
  }

  mentionAt() {
    const before = this.field.value.slice(0, this.field.selectionStart);
    const found = /(?:^|[\s(])@([\w.-]*)$/.exec(before);
    return found ? found[1] : null;
  }

  insertMention(person) {
    const at = this.field.value.lastIndexOf("@", this.field.selectionStart - 1);
    this.field.setRangeText("@" + person.handle + " ", at, this.field.selectionStart, "end");
  }
}

const kept = { B: "strong", STRONG: "strong", I: "em", EM: "em", U: "u", S: "s", STRIKE: "s", DEL: "s", CODE: "code", PRE: "pre",
  UL: "ul", OL: "ol", LI: "li", BLOCKQUOTE: "blockquote", P: "p", DIV: "p" };

const escaped = (s) => s.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

/** Teams': formatted text, sent as simple HTML. */
export class RichComposer extends Composer {
  constructor(side, label, people, handlers) {
    super(side, handlers);
    this.people = people;
    this.field = el("div", {
      id: "write-" + side, class: "rich", contenteditable: "true", role: "textbox", "aria-multiline": "true", "aria-label": label,
      "data-placeholder": label, "aria-autocomplete": "list", "aria-controls": "names-" + side, tabindex: "0",
    });
    this.build([
      ["bold", "Bold", el("b", {}, "B")], ["italic", "Italic", el("i", {}, "I")], ["underline", "Underline", el("u", {}, "U")],
      ["strikeThrough", "Strike", el("s", {}, "S")], ["code", "Code", icon("code")], ["insertUnorderedList", "List", icon("list")],
    ]);
    this.field.addEventListener("paste", (e) => this.plainly(e, e.clipboardData));
    this.field.addEventListener("drop", (e) => this.plainly(e, e.dataTransfer));
    this.field.addEventListener("input", () => this.look());
    this.look();
  }

  label(text) {
    this.field.dataset.placeholder = text;
    this.field.setAttribute("aria-label", text);
  }

  /** Takes only the text of what comes from elsewhere. */
  plainly(e, from) {
    if (e.defaultPrevented) return; // files
    e.preventDefault();
    document.execCommand("insertText", false, from.getData("text/plain").slice(0, 4000));
  }

  look() { this.field.classList.toggle("blank", this.empty()); }
  empty() { return this.field.textContent.trim() === "" && !this.field.querySelector(".mention, li"); }
  focus() { this.field.focus(); }

  clear() {
    this.field.replaceChildren();
    this.look();
  }

  key(e) {
    const inList = document.getSelection().anchorNode?.parentElement?.closest("li");
    if (e.key === "Enter" && e.shiftKey && inList) {
      e.preventDefault();
      document.execCommand("insertParagraph");
      return;
    }
    super.key(e);
  }

  insert(text) { document.execCommand("insertText", false, text); }

  format(name) {
    this.focus();
    if (name !== "code") {
      document.execCommand("styleWithCSS", false, "false");
      document.execCommand(name);
      return;
    }
    const selection = document.getSelection();
    const range = selection.getRangeAt(0);
    const code = el("code", {}, range.toString() || "\u200b");
    range.deleteContents();
    range.insertNode(code);
    selection.selectAllChildren(code);
    selection.collapseToEnd();
  }

  mentionAt() {
    const { anchorNode: node, anchorOffset: offset } = document.getSelection();
    if (!node || node.nodeType !== Node.TEXT_NODE || !this.field.contains(node)) return null;
    const found = /(?:^|[\s(\u00a0])@([^@\n]{0,30})$/.exec(node.data.slice(0, offset));
    return found ? found[1] : null;
  }

  insertMention(person) {
    const { anchorNode: node, anchorOffset: offset } = document.getSelection();
    const at = node.data.lastIndexOf("@", offset - 1);
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, offset);
    range.deleteContents();
    const space = document.createTextNode("\u00a0");
    range.insertNode(space);
    range.insertNode(el("span", { class: "mention", contenteditable: "false", data: { person: person.id } }, person.handle));
    document.getSelection().collapse(space, 1);
    this.look();
  }

  text() {
    const mentions = [];
    const write = (node) => {
      if (node.nodeType === Node.TEXT_NODE) return escaped(node.data.replace(/\u200b/g, ""));
      if (node.nodeType !== Node.ELEMENT_NODE) return "";
      if (node.dataset.person) {
        mentions.push(node.dataset.person);
        return `<at id="${mentions.length - 1}">${escaped(node.textContent)}</at>`;
      }
      if (node.tagName === "BR") return "<br>";
      const inner = [...node.childNodes].map(write).join("");
      if (node.tagName === "A") return `<a href="${escaped(node.getAttribute("href"))}">${inner}</a>`;
      const tag = kept[node.tagName];
      return tag && inner ? `<${tag}>${inner}</${tag}>` : inner;
    };
    let text = [...this.field.childNodes].map(write).join("").replace(/(<br>)+$/, "");
    if (this.empty()) text = "";
    if (text && !/^<(p|ul|ol|pre|blockquote)>/.test(text)) text = `<p>${text}</p>`;
    return { text, mentions };
  }

  /** Puts a message back that is to be edited; its mentions are found again by name. */
  fill(m) {
    const write = (n) => {
      if (!n.e) return document.createTextNode(n.t || "");
      const kids = (n.c || []).map(write);
      if (n.e === "mention") {
        const name = (n.c || []).map((k) => k.t || "").join("");
        const person = this.people.find((p) => p.handle === name);
        if (person) return el("span", { class: "mention", contenteditable: "false", data: { person: person.id } }, name);
      }
      if (n.e === "a") return el("a", { href: n.h }, ...kids);
      return Object.values(kept).includes(n.e) || n.e === "br" ? el(n.e, {}, ...kids)
        : n.e === "del" ? el("s", {}, ...kids) : el("span", {}, ...kids);
    };
    this.field.replaceChildren(...(m.body || []).map(write));
    this.look();
    document.getSelection().selectAllChildren(this.field);
    document.getSelection().collapseToEnd();
  }
}

/** Makes the buttons of a toolbar one stop of the Tab key, between which the arrow keys move. */
export function roving(bar, columns = 1) {
  const all = () => [...bar.querySelectorAll("button")];
  all().forEach((b, i) => { b.tabIndex = i === 0 ? 0 : -1; });
  bar.addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key];
    const buttons = all();
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    e.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    buttons.forEach((b) => { b.tabIndex = b === next ? 0 : -1; });
    next.focus();
  });
}
