/*! @partner-hub/widgets 1.0.0 deal-card */
(() => {
"use strict";
// What both widgets share: the element, its states, its look, and asking the hub for offers.

const TEXTS = {
  en: {
    empty: "No offers right now.",
    gone: "This offer has ended.",
    error: "The offers could not be loaded.",
    retry: "Try again",
    go: "Get the deal",
    loading: "Loading offers…",
    list: "Offers",
    percent: "{} back",
    flat: "{} back",
    opens: "opens in a new tab",
  },
  he: {
    empty: "אין הצעות כרגע.",
    gone: "ההצעה הסתיימה.",
    error: "לא ניתן לטעון את ההצעות.",
    retry: "לנסות שוב",
    go: "למימוש ההצעה",
    loading: "ההצעות נטענות…",
    list: "הצעות",
    percent: "{} החזר",
    flat: "{} החזר",
    opens: "נפתח בלשונית חדשה",
  },
};

// light-dark() follows the color-scheme of the host page; older browsers keep the light values.
const STYLE = `
:host { display: block; container-type: inline-size; font: 400 1rem/1.45 var(--hub-font, inherit); }
:host([hidden]) { display: none; }
*, ::before, ::after { box-sizing: border-box; }
.root {
  --surface: var(--hub-surface, #fff); --ink: var(--hub-ink, #16181d); --muted: var(--hub-muted, #5b6270);
  --line: var(--hub-line, #e3e6ec); --shade: #f1f3f6; --text-accent: var(--accent-on-light);
  color: var(--ink);
}
@supports (color: light-dark(#fff, #000)) {
  .root {
    --surface: var(--hub-surface, light-dark(#fff, #1a1d23)); --ink: var(--hub-ink, light-dark(#16181d, #eef0f4));
    --muted: var(--hub-muted, light-dark(#5b6270, #a5adbb)); --line: var(--hub-line, light-dark(#e3e6ec, #343a45));
    --shade: light-dark(#f1f3f6, #252a32); --text-accent: light-dark(var(--accent-on-light), var(--accent-on-dark));
  }
}
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: var(--hub-gap, 1rem);
  grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--hub-card-width, 15.5rem)), 1fr)); }
.card { position: relative; display: flex; flex-direction: column; block-size: 100%; overflow: hidden;
  background: var(--surface); border: 1px solid var(--line); border-radius: var(--hub-radius, 14px);
  transition: box-shadow .18s, transform .18s, border-color .18s; }
.card:hover { border-color: var(--text-accent); box-shadow: 0 10px 28px rgb(15 20 35 / 13%); transform: translateY(-2px); }
.picture { position: relative; aspect-ratio: 16 / 9; background: var(--shade); display: grid; place-items: center; overflow: hidden; }
.picture img { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; object-fit: cover; }
.initial { font-size: 2.75rem; font-weight: 700; color: var(--text-accent); opacity: .55; }
.reward { position: absolute; inset-block-end: .625rem; inset-inline-start: .625rem; padding: .1875rem .625rem; border-radius: 99px;
  background: var(--accent); color: var(--on-accent); font-size: .8125rem; font-weight: 650; }
.body { display: flex; flex-direction: column; flex: 1; gap: .25rem; padding: .875rem 1rem 1rem; }
.brand { font-size: .8125rem; color: var(--muted); min-block-size: 1.45em; }
.brand, .name, .text { margin: 0; overflow: hidden; overflow-wrap: anywhere; text-align: -webkit-match-parent; text-align: match-parent; }
.name { font-size: 1.0625rem; font-weight: 650; line-height: 1.3; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; block-size: 2.6em; }
.text { font-size: .875rem; color: var(--muted); display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; block-size: 2.9em; }
.brand { white-space: nowrap; text-overflow: ellipsis; }
.go { margin-block-start: .75rem; display: flex; align-items: center; justify-content: center; min-block-size: 2.75rem; padding: .375rem 1rem;
  border-radius: calc(var(--hub-radius, 14px) * .65); background: var(--accent); color: var(--on-accent);
  font-weight: 600; font-size: .9375rem; text-decoration: none; }
.go::after { content: ""; position: absolute; inset: 0; }
.go:hover { text-decoration: underline; text-underline-offset: .2em; }
.go:focus-visible { outline: none; }
.card:focus-within:has(:focus-visible) { outline: 3px solid var(--text-accent); outline-offset: 2px; }
.retry { min-block-size: 2.75rem; padding: .375rem 1.25rem; font: inherit; font-weight: 600; color: inherit; background: none; cursor: pointer;
  border: 1px solid var(--muted); border-radius: calc(var(--hub-radius, 14px) * .65); }
.retry:focus-visible { outline: 3px solid var(--text-accent); outline-offset: 2px; }
.notice { display: grid; place-items: center; place-content: center; gap: .75rem; min-block-size: 11rem; padding: 1.5rem; text-align: center;
  color: var(--muted); background: var(--surface); border: 1px dashed var(--line); border-radius: var(--hub-radius, 14px); }
.notice p { margin: 0; }
.bone { border-radius: 5px; background: var(--shade); color: transparent; }
.bone.go { background: var(--shade); border-radius: calc(var(--hub-radius, 14px) * .65); }
.waiting .card { animation: pulse 1.6s ease-in-out infinite; box-shadow: none; transform: none; border-color: var(--line); }
@keyframes pulse { 50% { opacity: .55; } }
.said { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.wide .picture { aspect-ratio: 16 / 9; }
@container (min-width: 34rem) {
  .wide .card { flex-direction: row; min-block-size: 13.5rem; }
  .wide .picture { flex: 0 0 42%; aspect-ratio: auto; }
  .wide .body { padding: 1.25rem 1.375rem; justify-content: center; }
  .wide .name { font-size: 1.25rem; }
  .wide .go { align-self: start; padding-inline: 1.5rem; }
}
@media (prefers-reduced-motion: reduce) { .card, .waiting .card { transition: none; animation: none; transform: none !important; } }
@media (forced-colors: active) { .go, .reward { border: 1px solid; } }
`;

/** A node with these attributes and children; text is text, never markup. */
function node(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** An absolute http(s) address, or "" for anything else: javascript:, data:, nonsense. */
function webAddress(text, base) {
  try {
    const url = new URL(String(text), base);
    return /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

// --- Colour: WCAG 2 relative luminance and contrast -----------------------------------
function channels(hex) {
  const text = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(String(hex || "").trim());
  if (!text) return [79, 70, 229];
  const full = text[1].length === 3 ? text[1].replace(/./g, "$&$&") : text[1];
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16));
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** The colour itself, or as little of `towards` mixed in as makes it readable (4.5:1) on every ground. */
function readable(rgb, grounds, towards) {
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = rgb.map((part, at) => Math.round(part + (towards[at] - part) * share));
    if (grounds.every((ground) => contrast(mixed, ground) >= 4.5)) return mixed;
  }
  return towards;
}

const WHITE = [255, 255, 255];
const BLACK = [17, 19, 24];

/** The custom properties that a theme colour stands for. */
function palette(hex) {
  const accent = channels(hex);
  const on = contrast(accent, WHITE) >= 4.5 || contrast(accent, WHITE) > contrast(accent, BLACK) ? WHITE : BLACK;
  const ground = on === WHITE ? readable(accent, [WHITE], BLACK) : accent;
  const rgb = (color) => `rgb(${color.join(" ")})`;
  return `.root{--accent:${rgb(ground)};--on-accent:${rgb(on)};` +
    `--accent-on-light:${rgb(readable(accent, [WHITE, [241, 243, 246]], BLACK))};` +
    `--accent-on-dark:${rgb(readable(accent, [[26, 29, 35], [37, 42, 50]], WHITE))}}`;
}

const script = document.currentScript;
const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);

/** Where this script came from is where the hub is, unless `hub_url` says otherwise. */
function origin() {
  const source = script || document.querySelector('script[src*="/widgets/offer-grid.js"],script[src*="/widgets/deal-card.js"]');
  const match = source && /^(.*)\/widgets\/(?:[\w.-]+\/)?[\w-]+\.js/.exec(source.src);
  return match ? match[1] : "";
}
const ORIGIN = origin();
const ATTRIBUTES = ["tenant_id", "category", "limit", "theme_hex", "publishable_key", "offer_id", "hub_url", "lang"];

/** A failure as `hub-error` tells it. */
class Failure extends Error {
  constructor(code, message, status = 0, retryable = true) {
    super(message);
    Object.assign(this, { code, status, retryable });
  }
}

class HubElement extends HTMLElement {
  static observedAttributes = ATTRIBUTES;
  #theme = new CSSStyleSheet();
  #asked = null;
  #due = false;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet, this.#theme];
  }

  connectedCallback() {
    this.#paint();
    this.reload();
  }

  disconnectedCallback() {
    this.#asked?.abort();
  }

  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || before === after) return;
    if (name === "theme_hex") this.#paint();
    else this.reload();
  }

  /** Ask the hub again; several calls in one turn ask once. */
  reload() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.isConnected) this.#load();
    });
  }

  get texts() {
    const language = (this.lang || this.closest("[lang]")?.lang || navigator.language || "en").toLowerCase();
    return /^(he|iw)/.test(language) ? TEXTS.he : TEXTS.en;
  }

  get hub() {
    return webAddress(this.hub_url || ORIGIN, document.baseURI).replace(/\/$/, "");
  }

  #paint() {
    this.#theme.replaceSync(palette(this.theme_hex));
  }

  show(...children) {
    const root = node("div", { class: `root ${this.layout}`, part: "root" }, ...children);
    this.shadowRoot.replaceChildren(root);
    return root;
  }

  async #load() {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    this.show(this.waiting(), node("p", { class: "said", role: "status" }, this.texts.loading)).setAttribute("aria-busy", "true");
    try {
      const offers = await this.ask((path, query) => this.#get(path, query, asked.signal));
      if (asked.signal.aborted) return;
      const usable = offers.filter((offer) => webAddress(offer.click_url, this.hub));
      if (usable.length) this.show(this.listed(usable));
      else this.#notice(this.offer_id ? this.texts.gone : this.texts.empty);
      this.#tell("hub-loaded", { count: usable.length, offers: usable });
    } catch (error) {
      if (asked.signal.aborted) return;
      const failure = error instanceof Failure ? error : new Failure("NETWORK", "The hub did not answer.");
      if (failure.status === 404 && this.offer_id) this.#notice(this.texts.gone);
      else this.#notice(this.texts.error, "alert", true);
      this.#tell("hub-error", { code: failure.code, message: failure.message, status: failure.status });
    }
  }

  async #get(path, query, signal) {
    if (!this.hub) throw new Failure("NO_HUB", "Set hub_url to the hub's address.");
    if (!this.publishable_key) throw new Failure("NO_KEY", "Set publishable_key.");
    const url = new URL(this.hub + path);
    const given = { key: this.publishable_key, tenant_id: this.tenant_id, ...query };
    for (const [name, value] of Object.entries(given)) if (value) url.searchParams.set(name, value);
    const answer = await fetch(url, { signal, credentials: "omit", headers: { Accept: "application/json" } });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Failure(body.error || "HTTP", body.message || `The hub answered ${answer.status}.`, answer.status);
    return body;
  }

  #notice(text, role = "status", again = false) {
    const box = node("div", { class: "notice", part: "notice", role }, node("p", {}, text));
    if (again) {
      const button = node("button", { class: "retry", part: "retry", type: "button" }, this.texts.retry);
      button.addEventListener("click", () => this.reload());
      box.append(button);
    }
    this.show(box);
  }

  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable }));
  }

  #reward(reward) {
    const language = this.texts === TEXTS.he ? "he-IL" : this.lang || "en";
    const value = Number(reward?.value);
    if (!(value > 0)) return "";
    if (reward.type === "percentage") {
      const shown = new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(value);
      return this.texts.percent.replace("{}", `${shown}%`);
    }
    const money = new Intl.NumberFormat(language, { style: "currency", currency: reward.currency, trailingZeroDisplay: "stripIfInteger" });
    return this.texts.flat.replace("{}", money.format(value / 10 ** money.resolvedOptions().maximumFractionDigits));
  }

  /** An offer as a card. */
  card(offer) {
    const name = String(offer.name ?? "");
    const brand = String(offer.brand_name ?? "");
    const picture = node("div", { class: "picture", part: "picture" }, node("span", { class: "initial", "aria-hidden": "true" }, [...(brand || name)][0] || ""));
    const source = offer.image_url && webAddress(offer.image_url, this.hub);
    if (source) {
      const image = node("img", { alt: "", loading: "lazy", decoding: "async", width: "640", height: "360", referrerpolicy: "no-referrer" });
      image.addEventListener("error", () => image.remove(), { once: true });
      image.src = source;
      picture.append(image);
    }
    let reward = "";
    try {
      reward = this.#reward(offer.reward);
    } catch {
      // a currency that this browser does not know
    }
    if (reward) picture.append(node("span", { class: "reward", part: "reward" }, reward));
    const url = webAddress(offer.click_url, this.hub);
    const link = node(
      "a",
      { class: "go", part: "button", href: url, target: "_blank", rel: "noopener nofollow sponsored" },
      this.texts.go,
      node("span", { class: "said" }, `: ${name} (${this.texts.opens})`),
    );
    link.addEventListener("click", (event) => {
      const detail = { offer_id: offer.offer_id, name, url };
      if (!this.#tell("hub-offer-click", detail, true)) event.preventDefault();
    });
    return node(
      "div",
      { class: "card", part: "card" },
      picture,
      node(
        "div",
        { class: "body" },
        node("p", { class: "brand", part: "brand", dir: "auto" }, brand),
        node("p", { class: "name", part: "name", dir: "auto" }, name),
        node("p", { class: "text", part: "text", dir: "auto" }, String(offer.description ?? "")),
        link,
      ),
    );
  }

  /** A card's place while the offers are on their way: as large as the card will be. */
  bones() {
    const line = (name) => node("p", { class: `${name} bone` }, " ");
    return node(
      "div",
      { class: "card", "aria-hidden": "true" },
      node("div", { class: "picture" }),
      node("div", { class: "body" }, line("brand"), line("name"), line("text"), node("div", { class: "go bone" })),
    );
  }
}

// attributes as properties too, for frameworks that set those
for (const name of ATTRIBUTES.filter((one) => one !== "lang")) {
  Object.defineProperty(HubElement.prototype, name, {
    get() {
      return this.getAttribute(name) || "";
    },
    set(value) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}

/** Define the element unless another copy of the script has. */
function define(name, element) {
  if (!customElements.get(name)) customElements.define(name, element);
}

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
})();
