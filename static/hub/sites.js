// The site editor: the preview follows the form, a moment after the last key. Nothing of it is kept.
"use strict";

const form = document.querySelector("form[data-preview]");
const frame = document.querySelector("[data-preview-frame]");
let waiting = 0;
let asked = null;

async function preview() {
  asked?.abort();
  asked = new AbortController();
  // a disabled form sends nothing: whoever may not change it sees it as it is
  const fields = new FormData(form);
  if (!fields.has("name")) form.querySelectorAll("[name]").forEach((field) => fields.set(field.name, field.value));
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: fields, signal: asked.signal });
    if (answer.ok && !answer.redirected) frame.srcdoc = await answer.text();
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(preview, 350);
});

document.querySelectorAll("[data-preview-width]").forEach((button) =>
  button.addEventListener("click", () => {
    const narrow = button.dataset.previewWidth === "narrow";
    document.querySelector("[data-preview-box]").classList.toggle("narrow", narrow);
    document
      .querySelectorAll("[data-preview-width]")
      .forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  }),
);

preview();
