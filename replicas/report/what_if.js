// The what-if of a report: picks one of the layouts that were planned and forecast when the page was written.
(() => {
  "use strict";
  const {draw, whenNear, written, places} = window.pages;
  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const distinct = (values) => [...new Set(values)];
  const money = (value) => (value === null || value === undefined ? "-" : value.toFixed(2));

  const refusals = (point) => (point && point.refused ? ` ${written(point.refused)} of ${written(point.requests)} requests are refused: the rate counts answers alone.` : "");

  const ROWS = [
    ["USD an hour", (layout) => layout.usd, -1, money],
    ["requests answered a second", (_, point) => point && point.rate, 1],
    ["requests refused", (_, point) => point && (point.refused || null), -1],
    ["latency p50, s", (_, point) => point && point.p50, -1],
    ["latency p90, s", (_, point) => point && point.p90, -1],
    ["time to first token p50, s", (_, point) => point && point.ttft, -1],
    ["USD for a million output tokens", (_, point) => point && point.usd, -1, money],
    ["KV cache of a copy, tokens", (layout) => layout.cache, 1],
  ];

  const table = (declared, layout, load) => {
    const made = element("table", undefined, "full"), head = element("thead"), body = element("tbody"), titles = element("tr");
    for (const title of ["figure", "declared", "this", "difference"]) {
      const cell = element("th", title, title === "figure" ? "text" : "");
      cell.scope = "col";
      titles.append(cell);
    }
    head.append(titles);
    for (const [name, value, better, write = written] of ROWS) {
      const before = value(declared, declared.points[load]), after = value(layout, layout.points[load]);
      if (before === null && after === null) continue;
      if (before === undefined && after === undefined) continue;
      const row = element("tr"), title = element("th", name, "text");
      title.scope = "row";
      const ratio = before && after !== null && after !== undefined ? after / before - 1 : null;
      const text = ratio === null ? "-" : Math.abs(ratio) < 0.005 ? "same" : `${ratio > 0 ? "+" : "\u2212"}${Math.round(Math.abs(ratio) * 100)} %`;
      const tone = ratio === null || Math.abs(ratio) < 0.005 ? "" : ratio * better > 0 ? "better" : "worse";
      row.append(title, element("td", write(before)), element("td", write(after)), element("td", text, tone));
      body.append(row);
    }
    made.append(head, body);
    const wide = element("div", undefined, "wide");
    wide.tabIndex = 0;
    wide.setAttribute("role", "group");
    wide.setAttribute("aria-label", "The declared layout and this one");
    wide.append(made);
    return wide;
  };

  const start = (place) => {
    const data = JSON.parse(place.querySelector("script").textContent);
    const form = place.querySelector("form"), answer = place.querySelector(".answer");
    const {type, degree, copies, load} = form.elements;
    const declared = data.layouts[0];
    const picture = place.querySelector("[data-picture]");
    const matching = (fields) => data.layouts.filter((layout) => Object.entries(fields).every(([key, value]) => layout[key] === value));
    const options = (select, values, kept, label) => {
      select.replaceChildren(...values.map((value) => {
        const option = element("option", label(value));
        option.value = value;
        option.selected = value === kept;
        return option;
      }));
    };
    let choices = [];
    const fill = (keep) => {
      const kind = keep.type ?? type.value;
      options(type, distinct(data.layouts.map((layout) => layout.type)), kind, (value) => value + (value === declared.type ? " (declared)" : ""));
      const degrees = distinct(matching({type: kind}).map((layout) => layout.degree)).sort((a, b) => a - b);
      const wanted = keep.degree ?? Number(degree.value);
      const split = degrees.includes(wanted) ? wanted : degrees[0];
      options(degree, degrees, split, String);
      choices = matching({type: kind, degree: split}).sort((a, b) => a.copies - b.copies);
      const at = choices.findIndex((layout) => layout.copies === (keep.copies ?? -1));
      copies.max = choices.length - 1;
      copies.disabled = choices.length < 2;
      copies.value = at >= 0 ? at : choices.length - 1;
    };
    const show = () => {
      const layout = choices[Number(copies.value)], at = Number(load.value);
      form.elements["copies-value"].value = layout.copies || "-";
      form.elements["load-value"].value = written(data.loads[at]);
      copies.setAttribute("aria-valuetext", `${layout.copies} copies`);
      load.setAttribute("aria-valuetext", `${written(data.loads[at])} ${data.unit}`);
      const lines = [{name: "declared", values: declared.points.map((point) => point && point.rate), style: layout === declared ? "main" : "third", joined: true}];
      if (layout !== declared && layout.points.length) lines.push({name: "this", values: layout.points.map((point) => point && point.rate), style: "main", joined: true});
      picture.chart = {x: data.unit, xs: data.loads, lines, bands: [], marks: [{label: "", value: data.loads[at], axis: "x", style: "limit"}], names: [], labels: [], log_x: true, log_y: false, whole_ticks: true};
      draw(picture);
      if (layout.problem) {
        answer.replaceChildren(element("p", `Not possible: ${layout.problem}`));
        return;
      }
      const note = element("p", `${layout.copies} ${layout.copies === 1 ? "copy" : "copies"} on ${layout.instances} x ${layout.type}, ${layout.degree} ${layout.degree === 1 ? "accelerator" : "accelerators"} each, ${written(data.loads[at])} ${data.unit}. The forecast is ${layout.confidence}.${refusals(layout.points[at])}`, "muted");
      answer.replaceChildren(table(declared, layout, at), note);
    };
    load.max = data.loads.length - 1;
    load.value = Math.floor(data.loads.length / 2);
    fill({type: declared.type, degree: declared.degree, copies: declared.copies});
    show();
    form.addEventListener("input", (event) => {
      if (event.target === type) fill({type: type.value, degree: Number(degree.value)});
      if (event.target === degree) fill({type: type.value, degree: Number(degree.value)});
      show();
    });
  };
  document.querySelectorAll("[data-what-if]").forEach((place) => {
    whenNear(place, () => {
      start(place);
      places.push(place.querySelector("[data-picture]"));
    });
  });
})();
