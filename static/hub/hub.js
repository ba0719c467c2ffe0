// Behaviour of the pages, bound to data attributes: the content policy allows no inline script.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- Copying and saving secrets ---------------------------------------------------
async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // plain http has no clipboard API
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
}

async function copy(button) {
  const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  try {
    await copyText(source ? source.textContent.trim() : button.dataset.copy);
  } catch {
    if (source) window.getSelection().selectAllChildren(source);
    return;
  }
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1600);
}

function saveEnv(button) {
  const lines = all("[data-env]").map((node) => `${node.dataset.env}=${node.textContent.trim()}`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n"), "\n"], { type: "text/plain" }));
  link.download = button.dataset.saveEnv;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

let leaving = !document.querySelector("[data-guard]");
window.addEventListener("beforeunload", (event) => {
  if (!leaving) event.preventDefault();
});

// --- Scopes -------------------------------------------------------------------------
function tick(boxes, wanted) {
  boxes.forEach((box) => (box.checked = wanted(box)));
}

function toggleGroup(button) {
  const boxes = all("input[name=scopes]", button.closest("fieldset"));
  const every = boxes.every((box) => box.checked);
  tick(boxes, () => !every);
}

function applyPreset(button) {
  const names = button.dataset.preset.split(" ");
  tick(all("input[name=scopes]"), (box) => names[0] === "*" || names.includes(box.value));
  const pace = button.dataset.presetPace;
  if (pace !== undefined) document.getElementById("id_requests_per_minute").value = pace;
}

// --- Clicks ---------------------------------------------------------------------------
function openNavigation(open) {
  document.body.classList.toggle("nav-open", open);
  all("[data-nav-toggle]").forEach((button) => button.setAttribute("aria-expanded", String(open)));
}

const clicks = {
  "[data-copy], [data-copy-from]": copy,
  "[data-save-env]": saveEnv,
  "[data-done]": () => (leaving = true),
  "[data-scope-toggle]": toggleGroup,
  "[data-preset]": applyPreset,
  "[data-dialog]": (button) => document.getElementById(button.dataset.dialog).showModal(),
  "[data-dialog-close]": (button) => button.closest("dialog").close(),
  "[data-dismiss]": (button) => button.parentElement.remove(),
  "[data-nav-toggle]": () => openNavigation(!document.body.classList.contains("nav-open")),
  "[data-nav-close]": () => openNavigation(false),
};

document.addEventListener("click", (event) => {
  for (const [selector, act] of Object.entries(clicks)) {
    const target = event.target.closest(selector);
    if (target) act(target);
  }
  // a click beside an open dialog closes it
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") openNavigation(false);
});

// --- Forms ------------------------------------------------------------------------------
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-autosubmit] select")) event.target.form.requestSubmit();
});

document.addEventListener("input", (event) => {
  const wanted = event.target.dataset.confirmValue;
  if (wanted === undefined) return;
  event.target.form.querySelector("[type=submit]").disabled = event.target.value.trim() !== wanted;
});

// an empty filter needs no place in the address
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-autosubmit]")) return;
  all("input, select", event.target).forEach((field) => (field.disabled = field.value === ""));
});
window.addEventListener("pageshow", () => {
  all("form[data-autosubmit] :disabled").forEach((field) => (field.disabled = false));
});

all(".notice-success").forEach((notice) => setTimeout(() => notice.remove(), 6000));

// --- Live parts ---------------------------------------------------------------------------
// Pages refresh themselves by their own address; an answer from elsewhere is the sign-in page.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (new URL(event.detail.xhr.responseURL).pathname === window.location.pathname) return;
  event.preventDefault();
  window.location.reload();
});
