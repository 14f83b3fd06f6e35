// Pictures over time become charts to look closer at: what is dragged over is the range of the
// page from then on, and of its address. Every page is whole without it.
"use strict";

const LINES = ["--accent", "--doubt-fill", "--bad-fill"];
const DASHES = [[], [6, 3], [2, 3]];
const HEIGHT = 200;
// A range is no shorter than this, in seconds: most of what is known is known by the minute.
const SHORTEST = 300;
// By how far marks are apart: what each says, and what is added where a year or a day begins.
const CLOCK = [
  [86_400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];
const charts = new Map();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Three digits that count, as on the rest of the page.
const digits = (value) => String(Number(value.toPrecision(3)));
const SAY = {
  seconds: (value) => {
    if (value === 0) return "0 s";
    if (value < 0.0009995) return `${digits(value * 1e6)} µs`;
    return value < 0.9995 ? `${digits(value * 1e3)} ms` : `${digits(value)} s`;
  },
  per_second: (value) => (value < 999.5 ? digits(value) : `${digits(value / 1e3)}k`),
};

// The same page about another range; without one, about the stretch that was chosen before.
function look(range, at) {
  const address = new URL(location.href);
  const date = (seconds) => `${new Date(seconds * 1e3).toISOString().slice(0, 19)}Z`;
  for (const name of ["from", "to"]) address.searchParams.delete(name);
  if (range) {
    address.searchParams.set("from", date(range[0]));
    address.searchParams.set("to", date(range[1]));
  }
  address.hash = at;
  location.assign(address);
}

// Whole minutes, none of them in the future; a point stands for the step that begins there.
function tidy([from, to], step) {
  const least = Math.max(to + step - from, SHORTEST);
  const end = Math.min((from + to + step + least) / 2, Date.now() / 1e3);
  return [Math.floor((end - least) / 60) * 60, Math.ceil(end / 60) * 60];
}

function options(name, host, { unit, at: [first, second], lines }) {
  const say = SAY[unit];
  const step = second - first || 0;
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const series = (line, at) => ({
    label: line.name,
    stroke: colour(LINES[at]),
    dash: DASHES[at],
    width: 1.5,
    value: (_, value) => (value == null ? "–" : say(value)),
  });
  const chosen = (chart) => {
    const { left, width } = chart.select;
    if (width > 2) look(tidy([chart.posToVal(left, "x"), chart.posToVal(left + width, "x")], step), name);
  };
  return {
    width: host.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => {
      const date = new Date(seconds * 1e3);
      return localStorage.getItem("time") === "utc" ? uPlot.tzDate(date, "Etc/UTC") : date;
    },
    cursor: {
      drag: { x: true, y: false, setScale: false },
      sync: { key: "time" },
      bind: { dblclick: () => () => look(null, name) },
    },
    scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.05 : 1] } },
    axes: [{ ...axis, values: CLOCK }, { ...axis, size: 64, values: (_, marks) => marks.map(say) }],
    series: [{ value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...lines.map(series)],
    hooks: { setSelect: [chosen] },
  };
}

// Keys do what dragging does.
function moved(event, name) {
  const { chart } = charts.get(name);
  const { min, max } = chart.scales.x;
  const half = (max - min) / 2;
  const by = {
    "+": [half / 2, -half / 2],
    "=": [half / 2, -half / 2],
    "-": [-half, half],
    ArrowLeft: [-half, -half],
    ArrowRight: [half, half],
  }[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  look(tidy([min + by[0], max + by[1]], 0), name);
}

function draw(host) {
  const name = host.id.replace("plot-", "");
  const picture = document.querySelector(`[data-chart="${name}"]`);
  host.hidden = !picture;
  if (!picture) return;
  const shown = JSON.parse(picture.dataset.points);
  const data = [shown.at, ...shown.lines.map((line) => line.values)];
  const known = charts.get(name);
  if (known) {
    known.chart.setData(data);
  } else {
    charts.set(name, { host, chart: new uPlot(options(name, host, shown), data, host) });
  }
}

function drawAll() {
  document.querySelectorAll(".plot").forEach(draw);
}

// What depends on colours and on the clock is made anew.
function redraw() {
  for (const { chart } of charts.values()) chart.destroy();
  charts.clear();
  drawAll();
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const known = [...charts.values()].find(({ host }) => host === target);
    if (known && target.clientWidth > 0) known.chart.setSize({ width: target.clientWidth, height: HEIGHT });
  }
});
for (const host of document.querySelectorAll(".plot")) {
  resized.observe(host);
  host.addEventListener("keydown", (event) => moved(event, host.id.replace("plot-", "")));
}
document.addEventListener("fresh", drawAll);
document.addEventListener("clock", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
drawAll();
