// Every chart of the page, drawn anew when light turns to dark. `charts.views` has Vega's view of each.
const charts = {specs: JSON.parse(document.getElementById("charts").textContent), views: {}};
charts.colours = () => {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const text = {labelColor: colour("--soft"), titleColor: colour("--ink"), labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal"};
  return {
    background: null, font: "system-ui, sans-serif", view: {stroke: null},
    axis: {...text, gridColor: colour("--line"), domainColor: colour("--line"), tickColor: colour("--line")},
    legend: {...text, orient: "top", title: null}, title: {color: colour("--ink")}, text: {color: colour("--ink")}, rule: {color: colour("--soft")},
    range: {category: [colour("--accent"), colour("--second"), "#7a8b2f", "#a05195", "#2f8f8f", "#c65d57", "#6b7fd7", "#8c6d46", "#4f9d69", "#888888"]},
  };
};
charts.draw = async () => {
  for (const place of document.querySelectorAll(".chart")) {
    const name = place.dataset.chart;
    // `ast` runs expressions without eval, which the page's policy forbids.
    const drawn = await vegaEmbed(place, charts.specs[name], {ast: true, actions: false, renderer: "canvas", config: charts.colours()});
    charts.views[name] = drawn.view;
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", charts.specs[name].description);
  }
  document.documentElement.dataset.charts = "drawn";
};
charts.drawn = charts.draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { charts.drawn = charts.draw(); });
