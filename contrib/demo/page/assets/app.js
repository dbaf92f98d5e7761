// The page as a whole: two panes, what stands between them, and the levers above.

import { face, get, sameFace } from "./dom.js";
import { Bench } from "./bench.js";
import { EmojiPicker } from "./emoji.js";
import { Files } from "./files.js";
import { Guide } from "./guide.js";
import { Link } from "./link.js";
import { Pane } from "./pane.js";
import { TalkDialog } from "./talks.js";
import { Town } from "./town.js";

const town = new Town();
const guide = new Guide();
const bench = new Bench(town, guide);
const picker = new EmojiPicker();
const files = new Files(town);

const page = {
  highlight: (side, id) => link.highlight(side, id),
  redraw: () => link.draw(),
  goToTwin: (side, id) => link.goToTwin(side, id),
  pickEmoji: (anchor, take) => picker.open(anchor, take),
  complain: (text) => complain(text),
  stepDone: (name) => guide.done(name),
  begin: (side) => dialog.ask(side, panes[side].person),
  select(side, conversation) {
    panes[side].select(conversation);
    page.follow(side);
  },
  /** Shows on the other side what this one shows, as somebody else; what is not there yet, as soon as it is. */
  follow(side) {
    const { twin } = panes[side].place;
    panes[side].ahead = !twin;
    if (twin) panes[1 - side].follow(twin, town.person(side, panes[side].person).twin);
  },
};
const panes = [new Pane(town, 0, page), new Pane(town, 1, page)];
const link = new Link(town, panes, (side) => showTab(side));
const dialog = new TalkDialog(town, (side, conversation) => {
  page.select(side, conversation);
  panes[side].composer.focus();
});

town.addEventListener("hello", () => {
  const [left, right] = town.hello.sides.map((side) => side.people);
  left.forEach((p) => face(p.name)); // everybody gets a colour of their own
  right.forEach((p) => (p.twin ? sameFace(p.name, town.person(0, p.twin).name) : face(p.name)));
  panes.forEach((pane) => pane.open(town.hello));
  picker.offer(town.hello.emoji);
  bench.open(town.hello);
  guide.open(town.hello);
  files.open(town.hello);
});

town.addEventListener("places", () => {
  panes.forEach((pane) => pane.placed());
  panes.forEach((pane, side) => {
    if (pane.ahead && pane.place.twin && panes[1 - side].idle) page.follow(side);
  });
});

town.addEventListener("news", ({ detail: { news, changed } }) => {
  if (news.fresh) panes.forEach((pane) => pane.forget());
  for (const { m, before } of changed) panes[m.side].show(m, !before && !news.fresh);
  panes.forEach((pane) => pane.tick());
  if (news.fresh) panes.forEach((pane) => pane.toEnd());
  link.draw();
  bench.show(news, changed);
});

let hush;
function complain(text) {
  const toast = get("toast");
  toast.textContent = text;
  clearTimeout(hush);
  hush = setTimeout(() => { toast.textContent = ""; }, 6000);
}
town.addEventListener("failed", ({ detail }) => complain(detail));

town.addEventListener("lost", ({ detail: ended }) => bench.lost(ended));

setInterval(() => panes.forEach((pane) => pane.view && pane.tick()), 500);

// Light and dark.
const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
const tellTheme = () => get("theme").setAttribute("aria-pressed", String(isDark()));
get("theme").addEventListener("click", () => {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("causeway-theme", theme);
  tellTheme();
});
dark.addEventListener("change", tellTheme);
tellTheme();

// On a narrow screen there is one pane at a time.
const tabs = [get("tab-0"), get("tab-1")];
function showTab(side) {
  get("panes").dataset.tab = String(side);
  tabs.forEach((tab, i) => {
    tab.setAttribute("aria-selected", String(i === side));
    tab.tabIndex = i === side ? 0 : -1;
  });
  panes[side].view && panes[side].toEnd();
}
tabs.forEach((tab, i) => {
  tab.addEventListener("click", () => showTab(i));
  tab.addEventListener("keydown", (e) => {
    if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
    showTab(1 - i);
    tabs[1 - i].focus();
  });
});
// The links to where one writes lead there on a narrow screen, too.
for (const side of [0, 1]) document.querySelector(`.skips a[href="#write-${side}"]`).addEventListener("click", () => showTab(side));
addEventListener("resize", () => link.draw());

town.connect();
