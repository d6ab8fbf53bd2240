// What one pixel sees: logarithms of appearance and prior over every reference frame, weights, and the vote.

// Logarithms of a cell's appearance and prior, one array a reference frame, and the largest of appearance and affinity.
function look(row, column) {
  const mine = query.subarray((row * gridWidth + column) * page.dimension).subarray(0, page.dimension);
  const sight = { row, column, appearance: [], prior: [], affinity: [], topAppearance: -Infinity, topAffinity: -Infinity };
  for (const reference of references) {
    const appearance = logits(mine, reference.embedding);
    const prior = logPrior(row, column, reference.sigma);
    const affinity = appearance.map((value, cell) => value + prior[cell]);
    sight.topAppearance = Math.max(sight.topAppearance, largest(appearance));
    sight.topAffinity = Math.max(sight.topAffinity, largest(affinity));
    sight.appearance.push(appearance);
    sight.prior.push(prior);
    sight.affinity.push(affinity);
  }
  sight.weights = page.propagation === "paper" ? normalised(sight) : released(sight);
  return sight;
}

function logits(mine, embedding) {
  const values = new Float64Array(nCells);
  for (let cell = 0, n = 0; cell < nCells; cell += 1) {
    let product = 0;
    for (let d = 0; d < page.dimension; d += 1, n += 1) product += mine[d] * embedding[n];
    values[cell] = page.temperature * product;
  }
  return values;
}

function logPrior(row, column, sigma) {
  const values = new Float64Array(nCells);
  const scale = sigma === null ? 0 : 1 / sigma ** 2; // null is infinite: no prior
  for (let r = 0, cell = 0; r < gridHeight; r += 1) {
    for (let c = 0; c < gridWidth; c += 1, cell += 1) values[cell] = -((r - row) ** 2 + (c - column) ** 2) * scale;
  }
  return values;
}

function largest(values) {
  let top = -Infinity;
  for (const value of values) if (value > top) top = value;
  return top;
}

function argmax(values) {
  let best = 0;
  for (let n = 1; n < values.length; n += 1) if (values[n] > values[best]) best = n;
  return best;
}

function logSum(arrays, top) {
  let total = 0;
  for (const values of arrays) for (const value of values) total += Math.exp(value - top);
  return top + Math.log(total);
}

// The softmax of appearance over all references, times the prior.
function released({ appearance, affinity, topAppearance }) {
  const denominator = logSum(appearance, topAppearance);
  return affinity.map((values) => values.map((value) => Math.exp(value - denominator)));
}

// A row of S = D^-1/2 W D^-1/2.
function normalised({ affinity, topAffinity }) {
  const own = logSum(affinity, topAffinity);
  return affinity.map((values, n) => values.map((value, cell) => Math.exp(value - own / 2 - references[n].degrees[cell] / 2)));
}

// The vote for every label, from each reference frame and in all; the largest decides, the first of equals.
function count(sight) {
  const parts = sight.weights.map((weights, n) => {
    const part = new Array(nLabels).fill(0);
    weights.forEach((weight, cell) => {
      for (let k = 0; k < nLabels; k += 1) part[k] += weight * references[n].labels[cell * nLabels + k];
    });
    return part;
  });
  const votes = page.ids.map((_, k) => parts.reduce((total, part) => total + part[k], 0));
  const sum = votes.reduce((total, vote) => total + vote, 0);
  const shareOf = (value) => (sum > 0 ? value / sum : 0);
  const frames = parts.map((part) => shareOf(part.reduce((total, vote) => total + vote, 0)));
  return { parts, votes, sum, shareOf, frames, decision: argmax(votes) };
}

// The cells with the largest affinity over all reference frames, best first.
function bestMatches(sight, wanted) {
  const best = [];
  sight.affinity.forEach((values, n) => {
    values.forEach((value, cell) => {
      if (best.length === wanted && !(value > best[wanted - 1].value)) return;
      const place = best.findIndex((other) => value > other.value);
      best.splice(place < 0 ? best.length : place, 0, { n, cell, value });
      best.length = Math.min(best.length, wanted);
    });
  });
  return best;
}

// The numbers of one pair, appearance and affinity in units of the largest affinity.
function pairOf(sight, n, cell) {
  const labels = [...references[n].labels.subarray(cell * nLabels, (cell + 1) * nLabels)];
  return {
    appearance: Math.exp(sight.appearance[n][cell] - sight.topAffinity),
    prior: Math.exp(sight.prior[n][cell]),
    affinity: Math.exp(sight.affinity[n][cell] - sight.topAffinity),
    label: argmax(labels),
    labels,
  };
}
