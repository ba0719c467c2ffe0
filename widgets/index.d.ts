/** What `hub-loaded` carries. */
export interface HubOffer {
  offer_id: string;
  name: string;
  brand_name: string;
  category: string;
  description: string;
  image_url: string;
  /** Per cent of the purchase, or minor units of `currency`. */
  reward: { type: "percentage" | "flat"; value: number; currency: string } | null;
  click_url: string;
}

/** Attributes of both elements; each is a property too. */
export interface HubElement extends HTMLElement {
  tenant_id: string;
  publishable_key: string;
  category: string;
  theme_hex: string;
  hub_url: string;
  /** Ask the hub again. */
  reload(): void;
}

export interface OfferGrid extends HubElement {
  limit: string;
}

export interface DealCard extends HubElement {
  offer_id: string;
}

declare global {
  interface HTMLElementTagNameMap {
    "offer-grid": OfferGrid;
    "deal-card": DealCard;
  }
  interface HTMLElementEventMap {
    "hub-loaded": CustomEvent<{ count: number; offers: HubOffer[] }>;
    "hub-error": CustomEvent<{ code: string; message: string; status: number }>;
    "hub-offer-click": CustomEvent<{ offer_id: string; name: string; url: string }>;
  }
}
