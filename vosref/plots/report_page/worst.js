// The strip of the worst frames over all objects: a click shows the object at that frame.

function showWorst(select) {
  const there = new Map(objects.map((object, n) => [key(object), n]));
  const measure = objects.some((object) => object.F) ? "J&F" : "J";
  const items = page.worst.map((worst) => {
    const n = there.get(key(worst));
    const value = exactly(make("span", { class: "score" }), worst.score);
    const where = single ? worst.sequence : `${worst.sequence} · ${worst.object}`;
    const caption = [make("strong", {}, where), make("span", {}, `frame ${worst.frame}`), make("span", {}, `${measure} `, value)];
    const button = make("button", { type: "button", "data-object": n, "data-frame": worst.frame }, thumbnail(objects[n], worst.index), ...caption);
    button.addEventListener("click", () => {
      select(n, worst.index);
      byId("detail").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    });
    return make("li", {}, button);
  });
  byId("worst").hidden = items.length === 0;
  byId("worst").querySelector("ol").replaceChildren(...items);
}

function thumbnail(object, index) {
  const picture = picturesOf(object.sequence).get(object.frames[index]);
  const stage = make("span", { class: "thumbnail", "aria-hidden": "true" });
  for (const source of picture ? [picture.frame, picture.predictions[0]] : []) {
    if (source) stage.append(make("img", { src: source, alt: "" }));
  }
  return stage;
}
