// The reference frames, newest first, each under a heat map of what is chosen.

const FAINTEST = 1e-8; // of the largest appearance or affinity; what is below is left clear
const NEXT_TO_NOTHING = 0.01; // of the prior
const UNITS = {
  appearance: "exp(τ f·f), the largest is 1",
  prior: "exp(−d²/σ²), 1 at the pixel itself",
  affinity: "exp(τ f·f) · exp(−d²/σ²), the largest is 1",
};

// Put a ring in the middle of a cell.
function placeRing(ring, row, column) {
  ring.style.left = `${(100 * (column + 0.5)) / gridWidth}%`;
  ring.style.top = `${(100 * (row + 0.5)) / gridHeight}%`;
}

function makeReferences(point) {
  const figures = references.map((reference, n) => {
    const sigma = reference.sigma === null ? "∞" : String(reference.sigma);
    const canvas = make("canvas", { width: gridWidth, height: gridHeight });
    const ring = make("span", { class: "ring" });
    const pictures = [make("img", { class: "photo", src: reference.picture, alt: "" }), canvas, make("img", { class: "outline", src: reference.outline, alt: "" })];
    const stage = make("div", { class: "stage", role: "img" }, ...pictures, ring);
    stage.style.aspectRatio = `${width} / ${height}`;
    const share = make("output");
    const best = make("span", { class: "best" }, "largest of all");
    const first = make("div", { class: "line" }, make("strong", {}, `${reference.title}, σ = ${sigma}`), best);
    const second = make("div", { class: "line" }, make("span", { class: "frame" }, `frame ${reference.name}`), make("span", { class: "share" }, share, " of the vote"));
    const caption = make("figcaption", {}, first, second);
    const bar = make("div", { class: "bar thin", "aria-hidden": "true" });
    const show = (event) => {
      const place = stage.getBoundingClientRect();
      const within = (value, size) => Math.min(size - 1, Math.max(0, Math.trunc(value * size)));
      point(n, within((event.clientY - place.top) / place.height, gridHeight), within((event.clientX - place.left) / place.width, gridWidth));
    };
    stage.addEventListener("pointermove", show);
    stage.addEventListener("pointerdown", show);
    stage.addEventListener("pointerleave", () => point(null));
    return { node: make("figure", { "data-t": reference.t }, stage, caption, bar), stage, canvas, ring, share, best, bar };
  });
  byId("references").replaceChildren(...figures.map((figure) => figure.node));
  return (sight, result, view) => {
    const top = { appearance: sight.topAppearance, prior: 0, affinity: sight.topAffinity }[view];
    figures.forEach((figure, n) => {
      const values = sight[view][n];
      const best = argmax(values);
      paint(figure.canvas, values, view === "prior" ? linearLevel : logLevel(top));
      placeRing(figure.ring, Math.trunc(best / gridWidth), best % gridWidth);
      figure.best.hidden = view === "prior" || values[best] < top;
      exactly(figure.share, result.frames[n], percent(result.frames[n]));
      figure.bar.replaceChildren(...result.parts[n].map((part, k) => segment(result.shareOf(part), colourOf(k))));
      figure.stage.setAttribute("aria-label", `${references[n].title}: ${view}; the largest value at row ${middleOf(Math.trunc(best / gridWidth), 0)[0]}, column ${middleOf(0, best % gridWidth)[1]}`);
    });
    byId("unit").textContent = UNITS[view];
    byId("ticks").replaceChildren(...(view === "prior" ? ["0", "0.25", "0.5", "0.75"] : [-8, -6, -4, -2].map(powerOfTen)).map((tick) => make("span", {}, tick)), make("span", {}, "1"));
  };
}

// Where the logarithm of a value stands in the colour map, 0 to 1; undefined where the value is left clear.
const logLevel = (top) => (value) => (value - top >= Math.log(FAINTEST) ? 1 - (value - top) / Math.log(FAINTEST) : undefined);
const linearLevel = (value) => (value >= Math.log(NEXT_TO_NOTHING) ? Math.exp(value) : undefined);
const powerOfTen = (power) => make("span", {}, "10", make("sup", {}, `−${-power}`));

// Draw logarithms of values in plasma.
function paint(canvas, values, levelOf) {
  const picture = new ImageData(gridWidth, gridHeight);
  values.forEach((value, cell) => {
    const level = levelOf(value);
    if (level === undefined) return;
    const colour = 3 * Math.min(255, Math.trunc(256 * level));
    picture.data.set([plasma[colour], plasma[colour + 1], plasma[colour + 2], 217], 4 * cell); // 0.85 of 255
  });
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

function segment(share, colour) {
  const node = make("span", { class: "segment", "data-value": share });
  node.style.width = `${100 * share}%`;
  node.style.background = colour;
  return node;
}

function paintScale() {
  const context = document.querySelector("#scale canvas").getContext("2d");
  const picture = new ImageData(256, 1);
  for (let n = 0; n < 256; n += 1) picture.data.set([...plasma.subarray(3 * n, 3 * n + 3), 255], 4 * n);
  context.putImageData(picture, 0, 0);
}
