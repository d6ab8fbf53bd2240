// A runner for vosref's checks: TVOS's softmax vote and FEELVOS's local matching, in float64 or float32, by Node alone.
//   vosref conform --exec "node runner.js {case_dir}"
// It reads case.json and the raw arrays that this names, and writes the result. What it lacks ends with exit code 64.
"use strict";
const fs = require("fs");
const path = require("path");

const folder = process.argv[2];
const asked = JSON.parse(fs.readFileSync(path.join(folder, "case.json"), "utf8"));
const Numbers = { float64: Float64Array, float32: Float32Array }[asked.dtype];

/** An array's rows. */
function rows({ file, shape: [height, width] }) {
  const bytes = new Uint8Array(fs.readFileSync(path.join(folder, file))); // a copy, which is aligned
  const numbers = new Numbers(bytes.buffer);
  return Array.from({ length: height }, (_, i) => numbers.subarray(i * width, (i + 1) * width));
}

const sum = (x, term) => x.reduce((total, value, i) => total + term(value, i), 0);

/** TVOS, equation 7: a mean of all labels, weighted by the softmax of f_i · f_j. */
function softmaxVote([query, reference, labels], { temperature }) {
  return query.map((f) => {
    const logits = reference.map((g) => temperature * sum(f, (value, d) => value * g[d]));
    const largest = Math.max(...logits); // exp cannot overflow
    const weights = logits.map((logit) => Math.exp(logit - largest));
    const total = sum(weights, (w) => w);
    return Array.from(labels[0], (_, k) => sum(weights, (w, j) => w * labels[j][k]) / total);
  });
}

/** FEELVOS, equation 4: the distance to the nearest pixel of each object in the window; 1 where it has none. */
function localMatching([query, previous, labels], { grid: [, width], window_radius: radius }) {
  const apart = (p, q) => Math.max(
    Math.abs(Math.floor(p / width) - Math.floor(q / width)),
    Math.abs((p % width) - (q % width)),
  );
  return query.map((x, p) => Array.from(labels[0], (_, k) => {
    const near = previous.filter((_, q) => labels[q][k] > 0 && apart(p, q) <= radius);
    return Math.min(1, ...near.map((y) => Math.tanh(sum(x, (value, d) => (value - y[d]) ** 2) / 2)));
  }));
}

const operation = { softmax_vote: softmaxVote, local_matching: localMatching }[asked.operation];
if (!operation || !Numbers) process.exit(64); // "not claimed"
const result = operation(asked.inputs.map(rows), asked.options);
fs.writeFileSync(path.join(folder, asked.results[0].file), Numbers.from(result.flat()));
