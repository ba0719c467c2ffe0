// <deal-card tenant_id offer_id theme_hex publishable_key>: one offer; without offer_id the newest of a category.

define(
  "deal-card",
  class extends HubElement {
    layout = "wide";

    async ask(get) {
      if (this.offer_id) return [await get(`/v1/widgets/offers/${encodeURIComponent(this.offer_id)}`, {})];
      return (await get("/v1/widgets/offers", { category: this.category, limit: 1 })).data;
    }

    waiting() {
      return node("div", { class: "waiting" }, this.bones());
    }

    listed(offers) {
      return this.card(offers[0]);
    }
  },
);
