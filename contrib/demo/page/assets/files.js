// Causeway's config and log, as files of its operator.

import { get } from "./dom.js";

export class Files {
  constructor(town) {
    this.town = town;
    this.dialog = get("files");
    get("open-files").addEventListener("click", () => {
      this.dialog.showModal();
      this.read();
    });
    get("reload").addEventListener("click", () => this.read("Read again."));
    get("apply").addEventListener("click", () => this.apply());
    get("copy").addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(get("path").textContent);
        this.note("The path is copied.");
      } catch {
        this.note("The browser does not let the page copy; select the path yourself.");
      }
    });
  }

  open(hello) { get("folder").textContent = hello.folder; }

  note(text) { get("files-note").textContent = text; }

  async read(note = "") {
    const answer = await fetch("api/config");
    if (!answer.ok) {
      this.note((await answer.text()).trim());
      return;
    }
    const files = await answer.json();
    get("path").textContent = files.path;
    get("config").value = files.config;
    const log = get("log");
    log.textContent = files.log || "There is nothing in it yet.";
    log.scrollTop = log.scrollHeight;
    this.note(note);
  }

  async apply() {
    this.note("Causeway is asked to end, and started again…");
    const done = await this.town.act("config", { text: get("config").value, restart: true }); // when it has read its config, or refused it
    if (done) {
      await this.read(done.running ? "Saved, and Causeway was started again. The end of its log is below."
        : "Saved, but Causeway does not start with it. The end of its log, below, says why.");
    } else {
      this.note("That did not work.");
    }
  }
}
