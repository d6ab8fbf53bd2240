// The table of objects or sequences: a heading sorts it, a row selects its object.

const ORDER = ["J&F-Mean", "J-Mean", "F-Mean", "J-Recall", "F-Recall", "J-Decay", "F-Decay", "T-Mean", "seconds_per_frame", "peak_bytes"];
const NOT_SCORES = new Set(["sequence", "object", "frames", "J", "F"]);
const sorting = { column: null, descending: false };
const naturally = new Intl.Collator("en", { numeric: true }).compare;

// One object a sequence: then what is known of the sequence is known of the object.
const single = new Set(objects.map((object) => object.sequence)).size === objects.length;

function objectRow(object, n) {
  const row = { sequence: object.sequence, object: object.object, select: n, curve: object };
  if (exists(object["J-Mean"]) && exists(object["F-Mean"])) row["J&F-Mean"] = (object["J-Mean"] + object["F-Mean"]) / 2;
  if (single) Object.assign(row, scoresOf(sequencesOf[0].get(object.sequence) ?? {}));
  Object.assign(row, scoresOf(object));
  methods.slice(1).forEach((method, m) => {
    const other = objectsOf[m + 1].get(key(object));
    const [j, f] = [other?.["J-Mean"], other?.["F-Mean"]];
    row[`J&F · ${method.name}`] = other?.["J&F-Mean"] ?? (exists(j) && exists(f) ? (j + f) / 2 : null);
  });
  return row;
}

function sequenceRow(sequence) {
  const first = objects.findIndex((object) => object.sequence === sequence.sequence);
  const row = { sequence: sequence.sequence, select: first, ...scoresOf(sequence) };
  methods.slice(1).forEach((method, m) => {
    row[`J&F · ${method.name}`] = sequencesOf[m + 1].get(sequence.sequence)?.["J&F-Mean"] ?? null;
  });
  return row;
}

function scoresOf(source) {
  return Object.fromEntries(Object.entries(source).filter(([name]) => !NOT_SCORES.has(name)));
}

function columnsOf(rows) {
  const there = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== "select");
  const front = ["sequence", ...(single ? [] : ["object"]), "curve"].filter((name) => there.includes(name));
  const known = ORDER.filter((name) => rows.some((row) => exists(row[name])) || (name.endsWith("Mean") && there.includes(name)));
  return [...front, ...known, ...there.filter((name) => !["object", ...front, ...ORDER].includes(name))];
}

function makeTable(select) {
  const levels = { objects: objects.map(objectRow), sequences: report.sequences.map(sequenceRow) };
  let level = "objects";
  const paint = () => {
    const columns = columnsOf(levels[level]);
    const head = make("tr", {}, ...columns.map((name) => heading(name, paint)));
    const body = sorted(levels[level]).map((row) => tableRow(row, columns, select));
    byId("table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
    mark();
  };
  let selected = 0;
  const mark = () => {
    for (const row of byId("table").tBodies[0].rows) {
      const here = level === "objects" ? Number(row.dataset.select) === selected : row.dataset.sequence === objects[selected]?.sequence;
      if (here) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  };
  byId("level").hidden = single;
  for (const button of byId("level").children) {
    button.addEventListener("click", () => {
      level = button.dataset.level;
      for (const other of byId("level").children) other.setAttribute("aria-pressed", String(other === button));
      paint();
    });
  }
  paint();
  return (index) => {
    selected = index;
    mark();
  };
}

function heading(name, paint) {
  const direction = sorting.column !== name ? "none" : sorting.descending ? "descending" : "ascending";
  if (name === "curve") return make("th", { scope: "col" }, label(name));
  const button = make("button", { type: "button", title: `Sort by ${name}` }, label(name));
  button.addEventListener("click", () => {
    sorting.descending = sorting.column === name && !sorting.descending;
    sorting.column = name;
    paint();
    [...byId("table").querySelectorAll("th button")].find((other) => other.title === button.title).focus();
  });
  return make("th", { scope: "col", "data-key": name, "aria-sort": direction }, button);
}

// What does not exist comes last either way.
function sorted(rows) {
  const { column, descending } = sorting;
  if (column === null) return rows;
  const order = (a, b) => {
    const [x, y] = [a[column], b[column]];
    if (!exists(x) || !exists(y)) return Number(!exists(x)) - Number(!exists(y));
    const ascending = typeof x === "number" && typeof y === "number" ? x - y : naturally(String(x), String(y));
    return descending ? -ascending : ascending;
  };
  return [...rows].sort(order);
}

function tableRow(row, columns, select) {
  const cells = columns.map((name) => {
    if (name === "sequence") return make("th", { scope: "row" }, make("button", { type: "button", title: row.sequence, disabled: row.select < 0 }, row.sequence));
    if (name === "object") return make("td", { "data-key": name, "data-value": row.object }, swatch(row.object), String(row.object));
    if (name === "curve") return make("td", {}, sparkline(row.curve.J ?? []));
    return exactly(make("td", { "data-key": name, class: "number" }), row[name], name);
  });
  const node = make("tr", { "data-select": row.select, "data-sequence": row.sequence }, ...cells);
  if (row.select >= 0) node.addEventListener("click", () => select(row.select, null));
  return node;
}

function swatch(id) {
  const node = make("span", { class: "swatch", "aria-hidden": "true" });
  node.style.background = page.colours[id] ?? "transparent";
  return node;
}

function sparkline(values) {
  const at = (n) => (values.length > 1 ? (n / (values.length - 1)) * 62 + 1 : 32);
  const path = linePath(values, at, (value) => 21 - 20 * value);
  return draw("svg", { width: 64, height: 22, viewBox: "0 0 64 22", "aria-hidden": "true", class: "spark" }, draw("path", { d: path, class: "line J" }));
}
