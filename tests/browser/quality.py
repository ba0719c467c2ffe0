"""What a page must have, measured in the browser: axe-core, and the checks Lighthouse is known for."""

from playwright.sync_api import Page

from tests.programs import node_parts
from tests.sites import AXE

# Before the page's own scripts: what moved, and what was loaded.
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map(({ node }) => (node?.outerHTML ?? node?.textContent ?? "").slice(0, 60));
    if (!entry.hadRecentInput) window.shifts.push({ value: entry.value, moved });
  }
}).observe({ type: "layout-shift", buffered: true });
"""
_FACTS = """() => {
  const text = (selector, name) => document.querySelector(selector)?.getAttribute(name) ?? "";
  const small = [];
  for (const node of document.querySelectorAll("a[href], button, input, select, summary")) {
    const box = node.getBoundingClientRect();
    const inline = node.matches("p a, .prose a, h3 a") || !node.checkVisibility() || node.closest(".skip");
    if (!inline && box.width && (box.height < 44 || box.width < 24)) small.push(node.outerHTML.slice(0, 90));
  }
  return {
    title: document.title,
    description: text("meta[name=description]", "content"),
    canonical: text("link[rel=canonical]", "href"),
    language: document.documentElement.lang,
    direction: document.documentElement.dir,
    viewport: text("meta[name=viewport]", "content"),
    headings: document.querySelectorAll("h1").length,
    pictures_without_alt: document.querySelectorAll("img:not([alt])").length,
    small,
    shift: window.shifts.reduce((sum, { value }) => sum + value, 0),
    moved: window.shifts.flatMap(({ moved }) => moved),
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    bytes: performance
      .getEntriesByType("resource")
      .filter((entry) => entry.initiatorType !== "img")
      .reduce((sum, entry) => sum + entry.encodedBodySize, document.documentElement.outerHTML.length),
  };
}"""


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA and its best practices, shadow trees included."""
    script = node_parts(AXE) / "node_modules" / "axe-core" / "axe.min.js"
    page.evaluate(script.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def page_facts(page: Page) -> dict:
    """What the checks read; the page must have been opened with WATCH."""
    return page.evaluate(_FACTS)


def assert_good_page(page: Page, *, language: str, budget: int = 160_000) -> None:
    """The whole list: accessible, described, still, light, and with room for fingers."""
    facts = page_facts(page)
    assert 5 < len(facts["title"]) < 120, facts["title"]
    assert facts["description"]
    assert facts["canonical"].startswith("http")
    assert (facts["language"], facts["direction"]) == (language, "rtl" if language == "he" else "ltr")
    assert "width=device-width" in facts["viewport"]
    assert (facts["headings"], facts["pictures_without_alt"]) == (1, 0)
    assert facts["small"] == []
    assert facts["shift"] < 0.02, facts["moved"]
    assert facts["overflow"] <= 0
    assert facts["bytes"] < budget
    assert axe_violations(page) == []
