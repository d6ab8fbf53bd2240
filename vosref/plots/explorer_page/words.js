// What is seen, in words.

function showWords(pixel, result, best) {
  const { n, cell } = best[0];
  const [row, column] = middleOf(Math.trunc(cell / gridWidth), cell % gridWidth);
  const winner = result.decision;
  const from = argmax(result.parts.map((part) => part[winner]));
  const share = result.parts[from][winner] / result.votes[winner];
  const vote = result.sum > 0 ? `${nameOf(winner)} gets ${percent(result.shareOf(result.votes[winner]))} of the vote; ${percent(share)} of it from ${references[from].title}.` : "no reference pixel has a vote.";
  byId("words").textContent = `Row ${pixel[0]}, column ${pixel[1]}: ${vote} The best match is row ${row}, column ${column} of ${references[n].title}.`;
}

function showPair(sight, place) {
  const node = byId("pointed");
  if (place === null) {
    node.replaceChildren("Point at a reference frame to read its numbers there.");
    return;
  }
  const [n, row, column] = place;
  const pair = pairOf(sight, n, row * gridWidth + column);
  const pixel = middleOf(row, column);
  const numbers = ["appearance", "prior", "affinity"].flatMap((key) => [`, ${key} `, exactly(make("output", { "data-key": key }), pair[key], spell(pair[key]))]);
  node.replaceChildren(`${references[n].title}, row ${pixel[0]}, column ${pixel[1]}`, ...numbers, ", ", swatch(pair.label), labelled(pair));
}

function showSetting() {
  document.title = page.title;
  byId("title").textContent = page.title;
  byId("now-title").textContent = `Frame ${page.name}`;
  const names = { paper: "the paper's S", released: "the released code's softmax" };
  const parts = [`Propagation by ${names[page.propagation]}`, `${references.length} reference frame${references.length > 1 ? "s" : ""}`, `grid ${gridHeight} × ${gridWidth}`, `D = ${page.dimension}`, `τ = ${page.temperature}`];
  byId("setting").textContent = parts.join(" · ");
  for (const node of document.querySelectorAll("[data-propagation]")) node.hidden = node.dataset.propagation !== page.propagation;
  const vote = page.propagation === "paper" ? 1.5 : 2;
  const up = (value) => Math.ceil(1000 * value) / 1000;
  const most = (factor) => `${(100 * up(Math.expm1(factor * page.error))).toFixed(1)} %`;
  const error = exactly(make("output", { id: "bound" }), page.error, up(page.error).toFixed(3));
  byId("error").replaceChildren("Embeddings are stored here as 16-bit floats. Beside 32-bit ones, τ f·f is off by at most ", error, `, an affinity relative to the largest by ${most(2)} and a vote by ${most(vote)}.`);
}
