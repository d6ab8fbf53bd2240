// Speed against accuracy, as in Figure 1 of TVOS: what was published, and these results.

const TALL = 380;

function showSpeed() {
  const ours = methods.filter((method) => exists(method.global["J&F-Mean"]));
  byId("speed").hidden = ours.length === 0;
  if (!ours.length) return;
  drawnToFit(byId("speed-plot"), (width) => [speedPlot(ours, width)])();
  const data = page.published[0].data;
  const unknown = ours.filter((method) => !exists(method.seconds_per_frame)).map((method) => method.name);
  byId("speed-words").textContent = [
    `Further left is faster, on a logarithmic scale; higher is better. The published points are those of the papers for the validation set of ${data}, each measured on other hardware than this, and some on other frames; beside them, ours mean something where the truth is that set.`,
    "Hollow points are of methods that are trained on the first frame of every video.",
    unknown.length ? `The speed of ${unknown.join(" and ")} is unknown: the dashed line is at its J&F.` : "",
  ].join(" ");
  const head = ["Method", "J&F", "Seconds a frame", "Trained on the first frame", "Source"].map((name) => make("th", { scope: "col" }, name));
  const rows = page.published.map((point) => make("tr", {},
    make("th", { scope: "row" }, point.method), exactly(make("td", { class: "number" }), point.score),
    exactly(make("td", { class: "number" }), point.seconds), make("td", {}, point.tuned ? "yes" : "no"), make("td", {}, point.source)));
  byId("published").replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

function speedPlot(ours, width) {
  const timed = ours.filter((method) => method.seconds_per_frame > 0).map((method) => ({ method: method.name, seconds: method.seconds_per_frame, score: method.global["J&F-Mean"], own: true }));
  const points = [...timed, ...page.published];
  const frame = { left: 40, right: width - 12, top: 24, bottom: TALL - 40 };
  const decades = points.map((point) => Math.log10(point.seconds));
  const [low, high] = [Math.floor(Math.min(...decades)), Math.ceil(Math.max(...decades))];
  const scores = [...points.map((point) => point.score), ...ours.map((method) => method.global["J&F-Mean"])];
  const floor = Math.max(0, Math.floor(Math.min(...scores) * 10 - 0.3) / 10);
  const ceiling = Math.min(1, Math.ceil(Math.max(...scores) * 10 + 0.3) / 10);
  const x = (seconds) => frame.left + ((Math.log10(seconds) - low) / (high - low)) * (frame.right - frame.left);
  const y = (score) => frame.bottom - ((score - floor) / (ceiling - floor)) * (frame.bottom - frame.top);
  const steps = Array.from({ length: Math.round((ceiling - floor) * 10) + 1 }, (_, n) => floor + n / 10);
  const svg = draw("svg", { width, height: TALL, viewBox: `0 0 ${width} ${TALL}`, role: "img", "aria-label": "Accuracy over seconds a frame; the table below has the numbers" });
  svg.append(...horizontalGrid(steps, y, frame.left, frame.right, (value) => value.toFixed(1)));
  for (let decade = low; decade <= high; decade += 1) {
    const at = x(10 ** decade);
    const anchor = decade === low ? "start" : decade === high ? "end" : "middle";
    svg.append(draw("line", { x1: at, x2: at, y1: frame.top, y2: frame.bottom, class: "grid" }));
    svg.append(draw("text", { x: at, y: frame.bottom + 16, "text-anchor": anchor, class: "tick" }, String(Number((10 ** decade).toPrecision(1)))));
  }
  svg.append(draw("text", { x: (frame.left + frame.right) / 2, y: TALL - 6, "text-anchor": "middle", class: "axis" }, "seconds a frame"));
  svg.append(draw("text", { x: 8, y: 14, class: "axis" }, "J&F"));
  drawPoints(svg, points, x, y, frame, ours);
  return svg;
}

function drawPoints(svg, points, x, y, frame, ours) {
  const taken = points.map((point) => boxAround(x(point.seconds), y(point.score), 6));
  const write = (point, text, own) => {
    const place = placeLabel(point, textWidth(text, own), taken, frame);
    if (!place) return; // the tooltip and the table still have it
    taken.push(place);
    svg.append(draw("text", { x: place.left, y: place.bottom - 3, class: own ? "point-label own" : "point-label" }, text));
  };
  for (const method of ours.filter((each) => !exists(each.seconds_per_frame))) {
    const at = y(method.global["J&F-Mean"]);
    svg.append(draw("line", { x1: frame.left, x2: frame.right, y1: at, y2: at, class: "unknown", "data-method": method.name }));
    taken.push({ left: frame.left, right: frame.right, top: at - 1, bottom: at + 1 });
    write({ x: frame.left, y: at - 10 }, `${method.name} (speed unknown)`, true);
  }
  for (const point of points) svg.append(pointMark(point, x(point.seconds), y(point.score)));
  for (const [first, ...same] of coincident(points)) {
    write({ x: x(first.seconds), y: y(first.score) }, [first, ...same].map((point) => point.method).join(", "), first.own);
  }
}

function pointMark(point, x, y) {
  const shape = point.own
    ? draw("path", { d: `M${x} ${y - 7}l7 7l-7 7l-7 -7z`, class: "point own" })
    : draw("circle", { cx: x, cy: y, r: 4.5, class: point.tuned ? "point tuned" : "point" });
  const speed = `${Number(point.seconds.toPrecision(3))} s a frame`;
  shape.append(draw("title", {}, `${point.method}: J&F ${spell(point.score)}, ${speed}. ${point.own ? "These results" : point.source}`));
  return shape;
}

// Points of one place share a label.
function coincident(points) {
  const groups = new Map();
  for (const point of points) {
    const place = `${point.seconds} ${point.score} ${point.own}`;
    groups.set(place, [...(groups.get(place) ?? []), point]);
  }
  return groups.values();
}
