// Building pieces of the page. Texts go in as text, never as markup.

/** Makes an element. Of the properties, "class", "data" and "on…" are meant as such, the others are attributes. */
export function el(tag, properties = {}, ...kids) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") e.className = value;
    else if (name === "data") Object.assign(e.dataset, value);
    else if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...kids.filter((kid) => kid !== null && kid !== undefined && kid !== ""));
  return e;
}

/** Gives one of the drawings in index.html. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

/** Gives an element of index.html. */
export const get = (id) => document.getElementById(id);

const elements = new Set(["p", "br", "hr", "em", "strong", "del", "u", "code", "pre", "blockquote", "ul", "ol", "li",
  "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"]);

/** Gives the pieces of a message's text (town.Node) as elements. What is not known is shown as text. */
export function rendered(nodes) {
  return (nodes || []).map((n) => {
    if (!n.e) return document.createTextNode(n.t || "");
    if (n.e === "mention") return el("span", { class: "mention" }, ...rendered(n.c));
    if (n.e === "a" && /^(https?|mailto):/.test(n.h || "")) {
      return el("a", { href: n.h, target: "_blank", rel: "noopener noreferrer" }, ...rendered(n.c));
    }
    // A heading of a message is none of the page.
    if (/^h[1-6]$/.test(n.e)) return el("p", { class: "heading" }, ...rendered(n.c));
    return elements.has(n.e) ? el(n.e, {}, ...rendered(n.c)) : el("span", {}, ...rendered(n.c));
  });
}

const colours = new Map(); // by name

const bareName = (name) => name.replace(/\s*\(.*\)$/, "");

/** Gives a name the colour of another one, which is the same person's. */
export function sameFace(name, other) { colours.set(bareName(name), colours.get(bareName(other))); }

/** Gives a round picture of a person: initials on a colour of their own, the same on both sides. */
export function face(name) {
  const bare = bareName(name);
  if (!colours.has(bare)) colours.set(bare, new Set(colours.values()).size % 8);
  const words = bare.split(/[\s._-]+/).filter(Boolean);
  const initials = words.length > 1 ? [...words[0]][0] + [...words[1]][0] : bare.slice(0, 2);
  return el("span", { class: "face face-" + colours.get(bare), "aria-hidden": "true" }, initials.toUpperCase());
}

/** Gives a time of day. */
export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });

/** Gives how long something took, in words. */
export function span(ms) {
  if (ms < 1) return "under 1\u00a0ms";
  if (ms < 1000) return Math.round(ms) + "\u00a0ms";
  if (ms < 60000) return (ms / 1000).toFixed(1) + "\u00a0s";
  return Math.floor(ms / 60000) + "\u00a0min " + Math.round((ms % 60000) / 1000) + "\u00a0s";
}
