// <offer-grid tenant_id category limit theme_hex publishable_key>: a tenant's offers as a grid of cards.

const MOST = 48;

define(
  "offer-grid",
  class extends HubElement {
    layout = "grid";

    get #limit() {
      return Math.min(MOST, Math.max(1, parseInt(this.limit, 10) || 6));
    }

    async ask(get) {
      const { data } = await get("/v1/widgets/offers", { category: this.category, limit: this.#limit });
      return data;
    }

    waiting() {
      return node("ul", { class: "waiting" }, ...Array.from({ length: this.#limit }, () => node("li", {}, this.bones())));
    }

    listed(offers) {
      return node("ul", { part: "list", "aria-label": this.texts.list }, ...offers.map((offer) => node("li", {}, this.card(offer))));
    }
  },
);
