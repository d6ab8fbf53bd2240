// The data of the page, and how nodes are made: text goes in as text nodes, so no name can become markup.

const parse = (node) => JSON.parse(node.textContent);
const byId = (id) => document.getElementById(id);

const report = parse(byId("report"));
const page = parse(byId("page")); // worst frames, published points, colours by id, sequences with pictures
const methods = [report, ...(report.compared ?? [])];
const objects = report.objects;

const key = (object) => JSON.stringify([object.sequence, object.object]);
const objectsOf = methods.map((method) => new Map(method.objects.map((object) => [key(object), object])));
const sequencesOf = methods.map((method) => new Map(method.sequences.map((row) => [row.sequence, row])));

const SVG = "http://www.w3.org/2000/svg";
const MISSING = "–";

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

const make = (tag, attributes = {}, ...children) => furnish(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => furnish(document.createElementNS(SVG, tag), attributes, children);

const exists = (value) => value !== null && value !== undefined;
const signed = (text) => text.replace("-", "−");

// A number as a person reads it; what it is exactly stands in the title and in data-value.
function spell(value, name = "") {
  if (!exists(value)) return MISSING;
  if (name === "peak_bytes") return value >= 2 ** 30 ? `${(value / 2 ** 30).toFixed(2)} GiB` : `${(value / 2 ** 20).toFixed(0)} MiB`;
  return signed(value.toFixed(3));
}

function exactly(node, value, name = "") {
  node.textContent = spell(value, name);
  if (exists(value)) {
    node.dataset.value = String(value);
    node.title = `${String(value)}${name === "peak_bytes" ? " bytes" : ""}`;
  } else {
    node.title = "does not exist";
  }
  return node;
}

const LABELS = {
  sequence: "Sequence", object: "Object", curve: "J over time", "J&F-Mean": "J&F", "J-Mean": "J", "F-Mean": "F", "T-Mean": "T",
  seconds_per_frame: "s / frame", peak_bytes: "peak memory",
};
const label = (name) => LABELS[name] ?? name.replace(/-Mean$/, "").replace("-", " ").replace(/ (Recall|Decay)$/, (end) => end.toLowerCase());

// Only what is asked for is parsed: pictures are most of the file.
const clipNodes = document.querySelectorAll("script.clip");
const clips = new Map();
function picturesOf(sequence) {
  if (!clips.has(sequence)) {
    const node = clipNodes[page.clips.indexOf(sequence)];
    clips.set(sequence, new Map((node ? parse(node) : []).map((picture) => [picture.name, picture])));
  }
  return clips.get(sequence);
}

// The picture of a frame, or of the nearest frame of the object that has one.
function nearestPicture(object, index) {
  const pictures = picturesOf(object.sequence);
  for (let away = 0; away < object.frames.length; away += 1) {
    const picture = pictures.get(object.frames[index - away]) ?? pictures.get(object.frames[index + away]);
    if (picture) return picture;
  }
  return undefined;
}

// J or F of every frame of the object, as another method has them; null where it has none.
function seriesOf(method, object, measure) {
  const own = objectsOf[method].get(key(object));
  const values = own?.[measure];
  if (!values) return null;
  const at = new Map(own.frames.map((name, n) => [name, values[n]]));
  return object.frames.map((name) => at.get(name) ?? null);
}

// What is drawn is drawn for a width, and again when that changes.
function drawnToFit(box, paint) {
  let width = 0;
  const again = (always) => {
    const now = Math.max(280, Math.floor(box.clientWidth));
    if (!always && now === width) return;
    width = now;
    box.replaceChildren(...paint(width));
  };
  window.addEventListener("resize", () => again(false));
  return () => again(true);
}
