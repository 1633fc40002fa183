"use strict";

// Airflow shows the page in a frame that may open nothing. A link that leaves it is opened by Airflow's own window instead.
document.addEventListener("click", function (event) {
  var link = event.target.closest("a.away");
  if (!link || window.parent === window) return;
  try {
    var outer = window.parent.document.createElement("a");
    outer.href = link.href;
    outer.target = "_blank";
    outer.rel = "noopener noreferrer";
    outer.click();
    event.preventDefault();
  } catch (_) { /* a frame of somebody else: the browser decides */ }
});

// Plots are drawn from the tables below them.
function series(table) {
  var names = Array.from(table.tHead.rows[0].cells, function (cell) { return cell.textContent; });
  var rows = Array.from(table.tBodies[0].rows, function (row) {
    return Array.from(row.cells, function (cell) { return cell.textContent.trim(); });
  });
  var days = rows.map(function (row) { return Date.parse(row[0] + "T00:00:00Z") / 1000; });
  var values = names.slice(1).map(function (_, place) { return rows.map(function (row) { return Number(row[place + 1]); }); });
  return { names: names.slice(1), days: days, values: values };
}

// Whatever else is drawn, the same thing has the same colour.
var INKS = { "Carried out": 1, "Refused": 2, "Given for a step": 3, "Void": 4, "On their way": 5, "Intacct": 1, "Asana": 3 };

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function dayText(at) { return new Date(at * 1000).toISOString().slice(0, 10); }

function draw(place, table) {
  var told = series(table), sums = [], lines = [];
  // Each series stands on those before it; drawn from the tallest down, so that each covers the part that is not its own.
  told.values.forEach(function (values, at) {
    sums.push(values.map(function (value, day) { return value + (at ? sums[at - 1][day] : 0); }));
  });
  told.names.forEach(function (name, at) {
    var ink = colour("--series-" + (INKS[name] || at % 5 + 1));
    lines.unshift({
      label: name, stroke: ink, fill: ink, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.7, 40] }),
      value: function (_, __, ___, day) { return day === null || day === undefined ? "" : told.values[at][day]; },
    });
  });
  var axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  var dates = Object.assign({ values: function (_, at) { return at.map(function (one) { return dayText(one).slice(5); }); } }, axis);
  var numbers = Object.assign({ size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000] }, axis);
  place.replaceChildren();
  new uPlot({
    width: place.clientWidth, height: 200, series: [{ label: "Day", value: function (_, at) { return at ? dayText(at) : ""; } }].concat(lines),
    axes: [dates, numbers], tzDate: function (ts) { return uPlot.tzDate(new Date(ts * 1000), "UTC"); },
    scales: { y: { range: function (_, __, most) { return [0, Math.max(1, most * 1.1)]; } } }, cursor: { drag: { x: false } },
  }, [told.days].concat(sums.reverse()), place);
}

function drawAll() {
  if (typeof uPlot === "undefined") return;
  document.querySelectorAll(".plot").forEach(function (place) { draw(place, place.parentElement.querySelector("table")); });
}
addEventListener("DOMContentLoaded", drawAll);
addEventListener("themed", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
var wait;
addEventListener("resize", function () { clearTimeout(wait); wait = setTimeout(drawAll, 150); });
