// Draws each figure.chart from the JSON inside it, by uPlot. Keys move a cursor, and a live line reads out what it is on.
// The table in the same figure says all of it without this script.
(() => {
  "use strict";
  const HEIGHT = 220;
  const HELP = "Left and right arrows go from window to window, Home and End to the ends, plus and minus zoom, Escape shows all.";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const round = (value) => value == null ? "–" : Number(value.toPrecision(3)).toString();
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
  const make = (tag, parent, attributes) => {
    const element = parent.appendChild(document.createElement(tag));
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  function words(chart, index) {
    const of = chart.series.map((series) => {
      const value = series.value[index];
      if (value == null) return `${series.label}: none`;
      const ends = series.low[index] == null ? "" : ` (${round(series.low[index])} to ${round(series.high[index])})`;
      const notes = (series.struck?.[index] ? ", does not count" : "") + (series.raised[index] ? ", raised" : "");
      return `${series.label} ${round(value)}${ends}${notes}`;
    });
    const mark = chart.marks.find((change) => change.x === chart.x[index]);
    return [`${clock(chart.x[index])} UTC`, ...of, ...(mark ? [`${mark.text} begins`] : [])].join(" · ");
  }

  // Circle, square, cross and triangle: told apart without colour.
  function symbols(plot, chart) {
    const { ctx, bbox } = plot, unit = devicePixelRatio;
    const at = (x, y) => [plot.valToPos(x, "x", true), plot.valToPos(y, "y", true)];
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left - 6 * unit, 0, bbox.width + 12 * unit, bbox.top + bbox.height + 6 * unit);
    ctx.clip();
    ctx.setLineDash([]);
    ctx.lineWidth = 1.5 * unit;
    ctx.strokeStyle = ctx.fillStyle = css("--mark");
    ctx.font = `${11 * unit}px system-ui, sans-serif`;
    for (const { x, text } of chart.marks) {
      const left = plot.valToPos(x, "x", true);
      ctx.beginPath(); ctx.moveTo(left, bbox.top); ctx.lineTo(left, bbox.top + bbox.height); ctx.stroke();
      ctx.textAlign = left > bbox.left + bbox.width / 2 ? "right" : "left";
      ctx.fillText(text.slice(0, 40), left, bbox.top - 5 * unit);
    }
    if (chart.bound != null) {
      const top = plot.valToPos(chart.bound, "y", true);
      ctx.setLineDash([2 * unit, 4 * unit]);
      ctx.beginPath(); ctx.moveTo(bbox.left, top); ctx.lineTo(bbox.left + bbox.width, top); ctx.stroke();
      ctx.setLineDash([]);
    }
    chart.series.forEach((series) => series.value.forEach((value, index) => {
      if (value == null) return;
      const [x, y] = at(chart.x[index], value), r = 3.2 * unit;
      ctx.strokeStyle = ctx.fillStyle = css(`--${series.name}`);
      ctx.beginPath();
      if (series.struck?.[index]) {
        ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r); ctx.moveTo(x + r, y - r); ctx.lineTo(x - r, y + r); ctx.stroke();
      } else if (series.raised[index]) {
        ctx.fillStyle = css("--bad");
        ctx.moveTo(x, y - 2 * r); ctx.lineTo(x + 1.7 * r, y + r); ctx.lineTo(x - 1.7 * r, y + r); ctx.fill();
      } else if (chart.x.length <= 90) {
        if (series.name === "quality") { ctx.arc(x, y, r, 0, 7); ctx.fill(); }
        else { ctx.fillStyle = css("--panel"); ctx.rect(x - r, y - r, 2 * r, 2 * r); ctx.fill(); ctx.stroke(); }
      }
    }));
    ctx.restore();
  }

  // Days once, hours otherwise: the 24 hours of UTC, whatever this machine's language.
  function times(_, ticks) {
    let day = "";
    return ticks.map((tick) => {
      const [date, time] = clock(tick).split(" "), first = date !== day;
      day = date;
      return first ? `${time}\n${date.slice(5)}` : time;
    });
  }

  function options(chart, width, onCursor) {
    const line = (series) => [
      { stroke: () => `${css(`--${series.name}`)}b3`, width: 1, points: { show: false } },
      { stroke: () => `${css(`--${series.name}`)}b3`, width: 1, points: { show: false } },
      { stroke: () => css(`--${series.name}`), width: 2, dash: series.name === "estimate" ? [8, 5] : [], points: { show: false } },
    ];
    const axis = { stroke: () => css("--soft"), grid: { stroke: () => css("--grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    return {
      width, height: HEIGHT, legend: { show: false }, padding: [20, 12, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false } },
      scales: {
        x: { range: (_, low, high) => low === high ? [low - 1800, high + 1800] : [low, high] },
        y: { range: (_, low, high) => {
          const ends = [low, high, chart.bound].filter((end) => end != null);
          return ends.length ? uPlot.rangeNum(Math.min(...ends), Math.max(...ends), 0.1, true) : [0, 1];
        } },
      },
      axes: [{ ...axis, size: 34, space: 64, values: times }, { ...axis, size: 52 }],
      series: [{}, ...chart.series.flatMap(line)],
      bands: chart.series.map((series, place) => ({ series: [place * 3 + 2, place * 3 + 1], fill: () => `${css(`--${series.name}`)}26` })),
      hooks: { draw: [(plot) => symbols(plot, chart)], setCursor: [(plot) => onCursor(plot.cursor.idx)] },
    };
  }

  function draw(figure) {
    const chart = JSON.parse(figure.querySelector("script").textContent);
    const last = chart.x.length - 1;
    if (last < 0) return;
    const details = figure.querySelector("details");
    const holder = document.createElement("div");
    figure.insertBefore(holder, details);
    const title = figure.querySelector("figcaption").textContent;
    const box = make("div", holder, { class: "plot", tabindex: "0", role: "application", "aria-roledescription": "chart", "aria-label": `${title}. ${HELP}` });
    const readout = make("p", holder, { class: "readout", "aria-hidden": "true" });
    const live = make("p", holder, { class: "hidden", "aria-live": "polite" });
    let index = last, timer;
    const plot = new uPlot(options(chart, box.clientWidth, (place) => { if (place != null) show(place, false); }),
      [chart.x, ...chart.series.flatMap((series) => [series.low, series.high, series.value])], box);
    function show(place, aloud) {
      index = place;
      readout.textContent = words(chart, place);
      clearTimeout(timer);
      if (aloud) timer = setTimeout(() => { live.textContent = readout.textContent; }, 300);
    }
    function moveTo(place) {
      const next = Math.max(0, Math.min(last, place)), x = chart.x[next], { min, max } = plot.scales.x;
      if (x < min || x > max) plot.setScale("x", { min: x - (max - min) / 2, max: x + (max - min) / 2 });
      plot.setCursor({ left: plot.valToPos(x, "x"), top: 1 }, false);
      show(next, true);
    }
    function zoom(factor) {
      const { min, max } = plot.scales.x, half = (max - min) * factor / 2;
      if (half < (chart.x[last] - chart.x[0]) / 2) plot.setScale("x", { min: chart.x[index] - half, max: chart.x[index] + half });
      else zoomOut();
    }
    const zoomOut = () => plot.setScale("x", { min: chart.x[0], max: chart.x[last] });
    const keys = {
      ArrowLeft: () => moveTo(index - 1), ArrowRight: () => moveTo(index + 1), Home: () => moveTo(0), End: () => moveTo(last),
      "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), Escape: zoomOut,
    };
    box.addEventListener("keydown", (event) => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    show(last, false);
    new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT })).observe(holder);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => plot.redraw());
    }
  }

  window.drawCharts = (root) => root.querySelectorAll("figure.chart").forEach(draw);
  window.drawCharts(document);
})();
