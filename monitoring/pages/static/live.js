// Ages that grow while a page is open, a page that renews itself, and long tables by pages. Nothing is lost without it.
(() => {
  "use strict";
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];
  // As monitoring/pages/words.py says it.
  function duration(seconds) {
    for (const [unit, name] of UNITS) if (seconds >= 2 * unit) return `${Math.round(seconds / unit)} ${name}`;
    return `${Math.round(seconds)} s`;
  }
  const age = (seconds) => seconds < 0 ? `${duration(-seconds)} ahead` : seconds < 1 ? "just now" : `${duration(seconds)} ago`;
  const freshness = () => document.getElementById("freshness");
  // The server's clock counts, not this machine's.
  const shownAt = () => Date.parse(document.querySelector("footer time")?.dateTime ?? "");
  let loaded = performance.now(), silent = false;
  const now = () => shownAt() + performance.now() - loaded;

  function tick() {
    if (Number.isNaN(shownAt())) return;
    for (const time of document.querySelectorAll("time.ago")) time.textContent = age((now() - Date.parse(time.dateTime)) / 1000);
    const old = (now() - shownAt()) / 1000;
    const text = silent ? `The monitor does not answer: this is ${duration(old)} old.` : old >= 60 ? `Shown ${age(old)}.` : "";
    if (freshness() && freshness().textContent !== text) freshness().textContent = text;
  }

  // Not while somebody is in the middle of it: a selection, an open table, the keyboard's place would be lost.
  const busy = (main) => document.hidden || main.contains(document.activeElement) && document.activeElement !== main
    || main.querySelector("details[open]") || !getSelection().isCollapsed;

  async function renew(main) {
    if (busy(main)) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      main.replaceChildren(...page.getElementById("main").childNodes);
      document.querySelector("footer").replaceChildren(...page.querySelector("footer").childNodes);
      loaded = performance.now();
      silent = false;
      prepare(main);
    } catch {
      silent = true;
    }
    tick();
  }

  function paged(table) {
    const rows = [...table.tBodies[0].rows], size = Number(table.dataset.paged), pages = Math.ceil(rows.length / size);
    if (pages < 2) return;
    let page = 0;
    const pager = document.createElement("div"), where = document.createElement("span");
    pager.className = "pager";
    where.setAttribute("role", "status");
    const button = (text, step) => {
      const element = pager.appendChild(document.createElement("button"));
      element.type = "button";
      element.textContent = text;
      element.addEventListener("click", () => { page += step; show(); });
      return element;
    };
    const back = button("Newer", -1), on = button("Older", 1);
    pager.append(where);
    function show() {
      rows.forEach((row, place) => { row.hidden = Math.floor(place / size) !== page; });
      back.disabled = page === 0;
      on.disabled = page === pages - 1;
      where.textContent = `${page + 1} of ${pages}`;
    }
    table.closest(".scroll").after(pager);
    show();
  }

  // The keyboard stops only at what scrolls.
  const stops = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  function prepare(root) {
    root.querySelectorAll("table[data-paged]").forEach(paged);
    stops.disconnect();
    root.querySelectorAll(".scroll").forEach((box) => stops.observe(box));
  }
  const main = document.getElementById("main");
  prepare(main);
  setInterval(tick, 1000);
  if (main.dataset.refresh) setInterval(() => renew(main), Number(main.dataset.refresh) * 1000);
})();
