// What is known of the town: kept up to date by the server's stream of events, changed by requests.

/** Both sides with all their messages. */
export class Town extends EventTarget {
  hello = null;
  news = null;
  messages = [new Map(), new Map()];
  places = [new Map(), new Map()]; // conversations, in their order
  offset = 0; // of the server's clock, ms

  connect() {
    const source = new EventSource("api/events");
    source.addEventListener("hello", (e) => {
      const hello = JSON.parse(e.data);
      if (JSON.stringify(hello.sides) !== JSON.stringify(this.hello?.sides)) this.places = [new Map(), new Map()]; // others than before
      this.hello = hello;
      this.#tell("hello");
    });
    source.addEventListener("news", (e) => {
      const news = JSON.parse(e.data);
      this.offset = news.now - Date.now();
      if (news.fresh) this.messages = [new Map(), new Map()];
      const changed = (news.messages || []).map((m) => {
        const before = this.messages[m.side].get(m.id);
        this.messages[m.side].set(m.id, m);
        return { m, before };
      });
      this.news = news;
      if (news.places) {
        this.places = news.places.map((all) => new Map((all || []).map((c) => [c.id, c])));
        this.#tell("places");
      }
      this.#tell("news", { news, changed });
    });
    source.addEventListener("error", () => this.#tell("lost", source.readyState === EventSource.CLOSED));
  }

  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  now() { return Date.now() + this.offset; }

  person(side, id) { return this.hello.sides[side].people.find((p) => p.id === id); }

  message(side, id) { return this.messages[side].get(id); }

  /** Waits until a conversation is known. */
  async placed(side, id) {
    while (!this.places[side].has(id)) await new Promise((done) => { this.addEventListener("places", done, { once: true }); });
  }

  twin(m) { return m.twin ? this.messages[1 - m.side].get(m.twin) : undefined; }

  /** Does something; a failure is told by an event, and null comes back. */
  async act(name, body) {
    try {
      const answer = await fetch("api/" + name, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error((await answer.text()).trim());
      return await answer.json();
    } catch (error) {
      this.#tell("failed", error.message);
      return null;
    }
  }
}
