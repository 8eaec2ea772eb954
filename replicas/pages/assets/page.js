// Draws each chart of a page from the data in the element next to it, shows the numbers under the pointer, and runs the
// what-if. The page is readable without this script: every chart has its numbers in a table.
(() => {
  "use strict";
  const STYLES = {
    main: {stroke: "var(--line-1)", strokeWidth: 2},
    second: {stroke: "var(--line-2)", strokeWidth: 1.5, strokeDasharray: "5 3"},
    third: {stroke: "var(--line-3)", strokeWidth: 1.5, strokeDasharray: "2 3"},
    forecast: {stroke: "var(--line-forecast)", strokeWidth: 2},
    published: {stroke: "var(--line-published)", strokeWidth: 1.5},
  };

  const written = (value) =>
    value === null || value === undefined
      ? "-"
      : value.toLocaleString("en-US", Math.abs(value) >= 100 ? {maximumFractionDigits: 0} : {maximumSignificantDigits: 3});

  const pointsOf = (chart, values) => chart.xs.map((x, index) => ({x, y: values[index]})).filter((point) => point.y !== null);

  const marksOf = (chart, width) => {
    const marks = [Plot.gridY({stroke: "var(--rule)", strokeOpacity: 1, ticks: 5})];
    for (const band of chart.bands) {
      const area = chart.xs.map((x, index) => ({x, low: band.low[index], high: band.high[index]})).filter((point) => point.low !== null);
      marks.push(Plot.areaY(area, {x: "x", y1: "low", y2: "high", fill: "var(--band)", fillOpacity: 0.14}));
    }
    for (const mark of chart.marks) {
      const colour = mark.style === "traffic" ? "var(--good)" : "var(--warn)";
      const line = {stroke: colour, strokeDasharray: mark.style === "traffic" ? null : "3 3"};
      const label = {text: () => mark.label, fill: colour, fontWeight: 600, stroke: "var(--surface)", strokeWidth: 4};
      if (mark.axis === "x") {
        const ordered = [...chart.xs].sort((a, b) => a - b);
        marks.push(Plot.ruleX([mark.value], line));
        const middle = chart.log_x ? Math.sqrt(ordered[0] * ordered[ordered.length - 1]) : (ordered[0] + ordered[ordered.length - 1]) / 2;
        const right = mark.value > middle;
        marks.push(Plot.text([mark.value], {...label, x: (x) => x, frameAnchor: "top", textAnchor: right ? "end" : "start", dx: right ? 3 : -3, dy: mark.style === "traffic" ? -20 : -8}));
      } else {
        marks.push(Plot.ruleY([mark.value], line));
        marks.push(Plot.text([mark.value], {...label, y: (y) => y, frameAnchor: "right", textAnchor: "end", dy: -7}));
      }
    }
    for (const line of chart.lines) {
      const points = pointsOf(chart, line.values), style = STYLES[line.style];
      if (line.joined) marks.push(Plot.lineY(points, {x: "x", y: "y", ...style}));
      marks.push(Plot.dot(points, {x: "x", y: "y", r: line.style === "main" || !line.joined ? 2.8 : 2, fill: line.style === "published" || line.style === "third" ? "var(--surface)" : style.stroke, stroke: style.stroke}));
    }
    if (!chart.log_y) for (const {names, point, style} of endsOf(chart)) {
      marks.push(Plot.text([point], {x: "x", y: "y", text: () => names.join(", "), textAnchor: "start", dx: 6, fill: STYLES[style].stroke, fontWeight: 600}));
    }
    marks.push(Plot.tip(tipsOf(chart), Plot.pointer({x: "x", y: "y", title: "text", maxRadius: 60, fill: "var(--surface)", stroke: "var(--strong-rule)"})));
    return marks;
  };

  // Returns the labels at the ends of the lines. Lines that end at nearly the same place share one label.
  const endsOf = (chart) => {
    if (chart.lines.length < 2) return [];
    const most = Math.max(...chart.lines.flatMap((line) => line.values)), ends = [];
    for (const line of chart.lines.filter((line) => line.joined)) {
      const point = pointsOf(chart, line.values).pop();
      const near = point && ends.find((end) => Math.abs(end.point.y - point.y) < most / 14 && end.point.x === point.x);
      if (near) near.names.push(line.name);
      else if (point) ends.push({names: [line.name], point, style: line.style});
    }
    return ends;
  };

  const tipsOf = (chart) =>
    chart.xs.map((x, index) => {
      const lines = chart.lines.filter((line) => line.values[index] !== null);
      const head = chart.labels.length ? chart.labels[index] : `${chart.names.length ? chart.names[index] : written(x)} ${chart.names.length ? "" : chart.x}`;
      const bands = chart.bands.filter((band) => band.low[index] !== null).map((band) => `${band.name}: ${written(band.low[index])} to ${written(band.high[index])}`);
      const text = [head, ...lines.map((line) => `${line.name}: ${written(line.values[index])}`), ...bands].join("\n");
      return {x, y: lines.length ? Math.max(...lines.map((line) => line.values[index])) : null, text};
    }).filter((tip) => tip.y !== null);

  // The positions that keep 30 pixels between two ticks.
  const thinned = (xs, log, width) => {
    const along = log ? Math.log : Number, ordered = [...xs].sort((a, b) => a - b);
    const span = along(ordered[ordered.length - 1]) - along(ordered[0]) || 1, kept = [];
    for (const x of ordered) if (!kept.length || ((along(x) - along(kept[kept.length - 1])) / span) * (width - 60) >= 30) kept.push(x);
    return kept;
  };

  const draw = (place) => {
    const chart = place.chart || JSON.parse(place.parentElement.querySelector("script").textContent);
    const width = Math.max(260, place.clientWidth);
    const named = chart.lines.length > 1 && !chart.log_y;
    const longest = named ? Math.max(0, ...endsOf(chart).map((end) => end.names.join(", ").length)) : 0;
    const logarithmic = (on) => (on ? {type: "log", base: chart.whole_ticks ? 2 : 10} : {});
    const alone = chart.xs.length > 1 ? {} : {domain: chart.log_x ? [chart.xs[0] / 2, chart.xs[0] * 2] : [0, 2 * (chart.xs[0] || 1)]};
    const ticks = chart.names.length || chart.whole_ticks ? {ticks: thinned(chart.xs, chart.log_x, width), tickFormat: (x) => (chart.names.length ? chart.names[x] || "" : written(x))} : {ticks: Math.max(3, Math.round(width / 80)), tickFormat: chart.log_x ? written : undefined};
    const above = chart.marks.some((mark) => mark.axis === "x") ? (chart.marks.some((mark) => mark.style === "traffic") ? 34 : 22) : 10;
    const svg = Plot.plot({
      className: "plot", width, height: (width > 700 ? 260 : 180) + above, marginLeft: 40, marginBottom: 34, marginTop: above, marginRight: Math.min(140, 14 + 6.6 * longest),
      x: {label: chart.x, labelAnchor: "center", labelArrow: "none", tickSize: 3, ...alone, ...logarithmic(chart.log_x), ...ticks},
      y: {label: null, tickSize: 0, ticks: 5, zero: !chart.log_y, nice: true, ...logarithmic(chart.log_y), tickFormat: chart.log_y ? written : undefined},
      marks: marksOf(chart, width),
    });
    svg.setAttribute("aria-hidden", "true");
    place.replaceChildren(svg);
    place.drawnAt = width;
  };

  const places = [...document.querySelectorAll("[data-chart]")];
  const tasks = new Map();
  const seen = new IntersectionObserver((entries) => {
    for (const {isIntersecting, target} of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      tasks.get(target)();
    }
  }, {rootMargin: "400px"});
  // Runs a task for an element as soon as the element is near the part of the page that is shown.
  const whenNear = (element, task) => {
    tasks.set(element, task);
    seen.observe(element);
  };
  const watch = (place) => whenNear(place, () => draw(place));
  places.forEach(watch);
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => places.forEach((place) => place.drawnAt && place.drawnAt !== Math.max(260, place.clientWidth) && draw(place)), 120);
  });
  addEventListener("beforeprint", () => {
    for (const [element, task] of tasks) {
      seen.unobserve(element);
      task();
    }
  });

  const tip = document.getElementById("tip");
  const show = (event) => {
    const target = event.target.closest("[data-tip]");
    tip.hidden = !target;
    if (!target) return;
    tip.textContent = target.dataset.tip;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${event.clientY + 16 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 16}px`;
  };
  addEventListener("pointermove", show);
  addEventListener("scroll", () => { tip.hidden = true; }, {passive: true});

  window.pages = {draw, whenNear, written, places, tasks};
})();
