// The vote for every label, its parts from each reference frame, and the table of the best matches.

function makeVotes() {
  const rows = page.ids.map((id, k) => {
    const bar = make("div", { class: "bar", "aria-hidden": "true" });
    const share = make("output", { class: "share" });
    const vote = make("output", { class: "raw" });
    const verdict = make("span", { class: "verdict" }, "decision");
    const name = make("span", { class: "name" }, swatch(k), nameOf(k));
    return { node: make("div", { class: "row", "data-object": id }, name, verdict, share, vote, bar), bar, share, vote, verdict };
  });
  byId("votes").replaceChildren(...rows.map((row) => row.node));
  return (result) => {
    rows.forEach((row, k) => {
      const share = result.shareOf(result.votes[k]);
      exactly(row.share, share, percent(share));
      exactly(row.vote, result.votes[k], spell(result.votes[k]));
      row.bar.replaceChildren(...result.parts.map((part, n) => contribution(result, k, n, part[k])));
      row.verdict.hidden = result.decision !== k || result.sum === 0;
      row.node.classList.toggle("decided", !row.verdict.hidden);
    });
    exactly(byId("sum"), result.sum, spell(result.sum));
  };
}

// The older a frame, the paler.
function contribution(result, k, n, vote) {
  const share = result.shareOf(vote);
  const pale = references.length > 1 ? Math.round((62 * n) / (references.length - 1)) : 0;
  const node = segment(share, `color-mix(in oklab, ${colourOf(k)}, var(--pale) ${pale}%)`);
  node.dataset.value = String(vote);
  node.append(make("span", {}, references[n].title)); // hidden where it has no room
  node.title = `${references[n].title}: ${percent(result.votes[k] > 0 ? vote / result.votes[k] : 0)} of the vote for ${nameOf(k)}`;
  if (pale < 30) node.style.color = luminance(colourOf(k)) > 0.36 ? "#14161a" : "#ffffff";
  return node;
}

// How light a colour looks, 0 to 1.
function luminance(colour) {
  const linear = [1, 3, 5].map((n) => (parseInt(colour.slice(n, n + 2), 16) / 255) ** 2.2);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function swatch(k) {
  const node = make("span", { class: "swatch", "aria-hidden": "true" });
  node.style.background = colourOf(k);
  return node;
}

function showMatches(sight, best) {
  const head = make("tr", {}, ...["Frame", "Row", "Column", "Appearance", "Prior", "Affinity", "Label"].map((name) => make("th", { scope: "col" }, name)));
  const body = best.map(({ n, cell }) => {
    const [row, column] = middleOf(Math.trunc(cell / gridWidth), cell % gridWidth);
    const pair = pairOf(sight, n, cell);
    const number = (key, value, text) => exactly(make("td", { class: "number", "data-key": key }), value, text);
    const label = make("td", { "data-key": "label", "data-value": page.ids[pair.label] }, swatch(pair.label), labelled(pair));
    const numbers = ["appearance", "prior", "affinity"].map((key) => number(key, pair[key], spell(pair[key])));
    return make("tr", { "data-t": references[n].t, "data-cell": cell }, make("th", { scope: "row" }, references[n].title), number("row", row, String(row)), number("column", column, String(column)), ...numbers, label);
  });
  byId("table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
}

// The label, and how much of it where the pixel lies on an edge.
function labelled(pair) {
  const value = pair.labels[pair.label];
  return Math.abs(value - 1) < 0.005 ? nameOf(pair.label) : `${nameOf(pair.label)}, ${value < 10 ? value.toFixed(2) : spell(value)}`;
}
