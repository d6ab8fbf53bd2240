// The picture of the selected frame, a pane for every method: truth left of the divider, prediction right of it.

function makePanes() {
  const panes = methods.map(makePane);
  byId("panes").append(...panes.map((pane) => pane.figure));
  byId("panes").dataset.count = panes.length;
  const splits = panes.map((pane) => pane.split);
  for (const split of splits) {
    split.addEventListener("input", () => {
      for (const other of splits) other.value = split.value;
      byId("panes").style.setProperty("--split", `${split.value}%`);
    });
  }
  byId("opacity").addEventListener("input", () => byId("panes").style.setProperty("--opacity", byId("opacity").value / 100));
  byId("outline").addEventListener("change", () => byId("panes").classList.toggle("plain", !byId("outline").checked));
  byId("differences").addEventListener("change", () => byId("panes").classList.toggle("differing", byId("differences").checked));
  return (object, frame) => {
    const picture = object.frames.length ? nearestPicture(object, frame) : undefined;
    panes.forEach((pane, m) => fillPane(pane, picture, m));
    byId("shown").textContent = sayPicture(object, frame, picture);
  };
}

function layer(name, attributes = {}) {
  return make("img", { class: name, alt: "", draggable: "false", hidden: true, ...attributes });
}

function makePane(method) {
  const layers = { frame: layer("frame"), truth: layer("truth mask"), prediction: layer("prediction mask") };
  const split = make("input", { type: "range", class: "split", min: 0, max: 100, step: 0.5, value: 50, "aria-label": `Truth left of here, ${method.name} right of it` });
  const words = make("p", { class: "words", hidden: true });
  const stage = make("div", { class: "stage" }, ...Object.values(layers), words);
  stage.append(make("span", { class: "side left" }, "truth"), make("span", { class: "side right" }, "prediction"), split, make("div", { class: "divider" }));
  const figure = make("figure", {}, make("figcaption", {}, method.name), stage);
  return { figure, stage, split, layers, words };
}

function fillPane({ figure, stage, layers, words }, picture, m) {
  figure.hidden = !picture;
  if (!picture) return;
  stage.style.aspectRatio = `${picture.size[0]} / ${picture.size[1]}`;
  stage.style.maxWidth = `calc(75vh * ${(picture.size[0] / picture.size[1]).toFixed(4)})`;
  stage.classList.toggle("bare", !picture.frame);
  setSource(layers.frame, picture.frame);
  setSource(layers.truth, picture.truth);
  setSource(layers.prediction, picture.predictions[m]);
  words.hidden = Boolean(picture.predictions[m]);
  words.textContent = "There is no mask for this frame.";
}

function setSource(image, source) {
  image.hidden = !source;
  if (source) image.src = source;
  else image.removeAttribute("src");
}

function sayPicture(object, frame, picture) {
  if (!object.frames.length) return "No frame of this object was scored.";
  if (!picture) return `Frame ${object.frames[frame]}. There is no picture of this sequence here.`;
  if (picture.name !== object.frames[frame]) return `Frame ${object.frames[frame]} has no picture here; this is the nearest, ${picture.name}.`;
  return `Frame ${picture.name}${picture.frame ? "" : ", masks alone: the frames of the video were not at hand"}.`;
}
