// Draws every [data-chart] from the JSON of the named script element; the table beside it says the same.
"use strict";

// Seconds that a label's clock is ahead of UTC: "+05:30" at its end, or none.
function offset(label) {
  const [, sign, hours, minutes] = label.match(/([+-])(\d\d):(\d\d)$/) ?? [null, "+", 0, 0];
  return (sign === "-" ? -1 : 1) * (hours * 3600 + minutes * 60);
}

function draw(holder) {
  const { by, zone = "UTC", labels, series, fine } = JSON.parse(document.getElementById(holder.dataset.chart).textContent);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const strokes = [colour("--accent"), colour("--bad"), colour("--info"), colour("--good")];
  const axis = {
    stroke: colour("--muted"),
    font: `11px ${style.getPropertyValue("--bs-body-font-family")}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const shown = by === "day" ? [5, 10] : [11, 16];
  const times = labels.map((label) => Date.parse(label) / 1000);
  // clocks may change between two labels: what counts is the last one before
  const local = (time) => {
    const after = times.findIndex((start) => start > time);
    const last = labels[(after < 0 ? labels.length : Math.max(after, 1)) - 1];
    return new Date((time + (last ? offset(last) : 0)) * 1000);
  };
  const clock = (time) => local(time).toISOString().slice(...shown);
  const options = {
    width: holder.clientWidth,
    height: 220,
    padding: [12, 20, 0, 0],
    tzDate: (time) => window.uPlot.tzDate(local(time), "Etc/UTC"),
    cursor: { y: false, points: { size: 7 } },
    axes: [
      { ...axis, size: 30, grid: { show: false }, values: (chart, ticks) => ticks.map(clock) },
      { ...axis, size: 44, incrs: [...(fine ? [0.01, 0.02, 0.05, 0.1, 0.2, 0.5] : []), 1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] },
    ],
    scales: { y: { range: (chart, low, high) => [0, Math.max(fine ? 0.1 : 4, high * 1.1)] } },
    series: [
      { label: zone, value: (chart, time) => (time === null ? "–" : clock(time)) },
      ...series.map(({ label }, index) => ({
        label,
        stroke: strokes[index % strokes.length],
        fill: index === 0 ? `${strokes[0]}1f` : undefined,
        width: 1.75,
        points: { show: false },
        value: (chart, count) => (count === null ? "–" : count.toLocaleString()),
      })),
    ],
  };
  const data = [times, ...series.map(({ values }) => values)];
  holder.replaceChildren();
  return new window.uPlot(options, data, holder);
}

document.querySelectorAll("[data-chart]").forEach((holder) => {
  let chart = draw(holder);
  new ResizeObserver(() => chart.setSize({ width: holder.clientWidth, height: 220 })).observe(holder);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    chart.destroy();
    chart = draw(holder);
  });
});
