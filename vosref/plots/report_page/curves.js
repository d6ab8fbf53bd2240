// J and F of the selected object, frame by frame, of every method; the plot is a slider over frames.

const HEIGHT = 220;
const MARGIN = { left: 42, right: 20, top: 10, bottom: 26 };
const DASHES = [null, "5 4", "2 4", "9 3 2 3", "12 5"];

function makeCurves(choose) {
  const state = { object: null, frame: 0, lines: [] };
  const paint = drawnToFit(byId("curves"), (width) => (state.object ? [plotOf(state, width, choose)] : []));
  return {
    show(object) {
      state.object = object;
      state.frame = 0;
      state.lines = methods.flatMap((method, m) =>
        ["J", "F"].map((measure) => ({ method, m, measure, values: seriesOf(m, object, measure) })).filter((line) => line.values),
      );
      state.name = make("output", { id: "frame" });
      byId("legend").replaceChildren(make("span", { class: "entry" }, "Frame ", state.name), ...state.lines.map(legendEntry));
      paint();
    },
    mark(frame) {
      state.frame = frame;
      markFrame(state);
    },
  };
}

function legendEntry(line) {
  const sample = draw("svg", { width: 30, height: 10, "aria-hidden": "true" });
  sample.append(draw("path", { d: "M1 5H29", class: `line ${line.measure}`, "stroke-dasharray": DASHES[line.m % DASHES.length] }));
  const name = methods.length > 1 ? `${line.measure} ${line.method.name}` : line.measure;
  line.output = make("output", { "data-measure": line.measure, "data-method": line.m });
  return make("span", { class: "entry" }, sample, make("span", {}, name), line.output);
}

function plotOf(state, width, choose) {
  const names = state.object.frames;
  const [left, right, bottom] = [MARGIN.left, width - MARGIN.right, HEIGHT - MARGIN.bottom];
  const x = (n) => (names.length > 1 ? left + (n / (names.length - 1)) * (right - left) : (left + right) / 2);
  const y = (value) => bottom - value * (bottom - MARGIN.top);
  const svg = draw("svg", {
    width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, tabindex: 0, role: "slider", id: "plot",
    "aria-label": "Frame", "aria-valuemin": 0, "aria-valuemax": Math.max(0, names.length - 1),
  });
  svg.append(...horizontalGrid([0, 0.25, 0.5, 0.75, 1], y, left, right, (value) => String(value)), ...frameTicks(names, x, right - left, bottom));
  state.cursor = draw("line", { y1: MARGIN.top, y2: bottom, class: "cursor" });
  svg.append(state.cursor);
  for (const line of [...state.lines].reverse()) {
    svg.append(draw("path", { d: linePath(line.values, x, y), class: `line ${line.measure}`, "stroke-dasharray": DASHES[line.m % DASHES.length] }));
  }
  for (const line of state.lines) {
    line.dot = draw("circle", { r: 4, class: `dot ${line.measure}` });
    svg.append(line.dot);
  }
  Object.assign(state, { svg, x, y });
  listen(svg, state, { left, right, width, choose });
  markFrame(state);
  return svg;
}

function frameTicks(names, x, across, bottom) {
  const widest = Math.max(...names.map((name) => Math.min(12, name.length)), 1) * 7 + 24;
  const step = Math.max(1, Math.ceil((names.length * widest) / across));
  return names.flatMap((name, n) => {
    if (n % step) return [];
    const short = name.length > 12 ? `…${name.slice(-11)}` : name;
    const anchor = short.length < 8 || names.length === 1 ? "middle" : n === 0 ? "start" : n === names.length - 1 ? "end" : "middle";
    return [
      draw("line", { x1: x(n), x2: x(n), y1: bottom, y2: bottom + 4, class: "grid" }),
      draw("text", { x: x(n), y: bottom + 17, "text-anchor": anchor, class: "tick" }, short),
    ];
  });
}

// A pointer shows the frame below it, and leaving goes back to the frame that was clicked.
function listen(svg, state, { left, right, width, choose }) {
  const count = state.object.frames.length;
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    const share = (((event.clientX - box.left) * width) / box.width - left) / (right - left);
    return Math.min(count - 1, Math.max(0, Math.round(share * (count - 1))));
  };
  svg.addEventListener("pointermove", (event) => choose(under(event), event.buttons > 0));
  svg.addEventListener("pointerdown", (event) => choose(under(event), true));
  svg.addEventListener("pointerleave", () => choose(null, false));
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -count, End: count };
  svg.addEventListener("keydown", (event) => {
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(Math.min(count - 1, Math.max(0, state.frame + steps[event.key])), true);
  });
}

function markFrame(state) {
  const { svg, x, y, frame, object } = state;
  if (!svg) return;
  state.cursor.setAttribute("x1", x(frame));
  state.cursor.setAttribute("x2", x(frame));
  state.name.textContent = object.frames[frame] ?? MISSING;
  for (const line of state.lines) {
    const value = line.values[frame];
    exactly(line.output, value);
    line.dot.setAttribute("visibility", exists(value) ? "visible" : "hidden");
    if (exists(value)) {
      line.dot.setAttribute("cx", x(frame));
      line.dot.setAttribute("cy", y(value));
    }
  }
  const said = state.lines.map((line) => `${line.measure} ${spell(line.values[frame])}`).join(", ");
  svg.setAttribute("aria-valuenow", frame);
  svg.setAttribute("aria-valuetext", `frame ${object.frames[frame]}: ${said}`);
}
