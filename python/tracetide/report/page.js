"use strict";
(() => {
  const config = {displayModeBar: false, responsive: true};
  const style = {
    font: {family: "system-ui, Segoe UI, Roboto, DejaVu Sans, sans-serif", size: 11, color: "#1a1a1a"},
    margin: {l: 55, r: 10, t: 36, b: 40},
    legend: {
      orientation: "h", x: 0, xanchor: "left", y: -0.22, yanchor: "top", font: {size: 10}, itemwidth: 30,
    },
    plot_bgcolor: "white",
    paper_bgcolor: "white",
    dragmode: "zoom",
  };
  const plots = [...document.querySelectorAll(".plot")];
  const drawn = new Set();
  const hours = new Set();
  let zoom = null;
  let following = false;

  function draw(div) {
    if (drawn.has(div)) return;
    drawn.add(div);
    const {data, layout} = JSON.parse(div.querySelector("script").textContent);
    // One below the other, plots begin and end at the same place.
    const wide = div.parentElement.classList.contains("wide");
    const axis = {title: {standoff: 6}};
    for (const name of ["xaxis", "yaxis"]) {
      layout[name] = {...axis, automargin: !wide, ...layout[name], title: {...axis.title, ...layout[name].title}};
    }
    if (layout.xaxis.title.text === "hours") hours.add(div);
    if (layout.title) layout.title = {...layout.title, font: {size: 12}, x: 0.5, xanchor: "center", y: 0.97, yanchor: "top"};
    const margin = wide ? {...style.margin, l: 70} : style.margin;
    Plotly.newPlot(div, data, {...style, ...layout, margin}, config);
    if (hours.has(div)) {
      if (zoom) follow([div], zoom);
      div.on("plotly_relayout", change => {
        const found = Object.fromEntries(Object.entries(change).filter(([name]) => name.startsWith("xaxis.")));
        if (following || !Object.keys(found).length) return;
        zoom = found;
        follow([...hours].filter(other => other !== div), found);
      });
    }
    div.on("plotly_legendclick", event => {
      const trace = event.data[event.curveNumber];
      hide(div.closest("section"), trace.name, trace.visible === "legendonly" ? true : "legendonly");
      return false;
    });
    document.documentElement.dataset.drawn = drawn.size;
  }

  function follow(others, change) {
    following = true;
    Promise.all(others.map(other => Plotly.relayout(other, change))).finally(() => { following = false; });
  }

  // A name is hidden, or shown again, in all plots of the section.
  function hide(section, name, visible) {
    for (const div of section.querySelectorAll(".plot")) {
      draw(div);
      const named = div.data.flatMap((trace, at) => (trace.name === name ? [at] : []));
      if (named.length) Plotly.restyle(div, {visible}, named);
    }
  }

  function sort(table, column, heading) {
    const descending = heading.getAttribute("aria-sort") !== "descending";
    for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const value = row => row.children[column].dataset.value;
    const compare = (one, two) => {
      const [a, b] = [value(one), value(two)];
      if (a === "" || b === "") return (a === "") - (b === "");  // what is missing comes last
      const difference = Number.isNaN(+a) || Number.isNaN(+b) ? a.localeCompare(b) : a - b;
      return descending ? -difference : difference;
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(compare));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      heading.querySelector("button").addEventListener("click", () => sort(table, column, heading));
    });
  }

  // Plots are drawn when they come near, as dozens at once would keep the page waiting.
  const near = new IntersectionObserver(entries => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      draw(entry.target);
    }
  }, {rootMargin: "800px"});
  plots.forEach(div => near.observe(div));
  window.addEventListener("beforeprint", () => plots.forEach(draw));
})();
