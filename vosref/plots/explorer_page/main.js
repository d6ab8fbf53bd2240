// Which pixel and what of it is shown: everything that selects comes here, and everything that shows is told from here.

const selection = { pixel: page.pixel, view: "affinity", sight: null, result: null, pointed: null };
const stage = byId("stage");

stage.style.aspectRatio = `${width} / ${height}`;
stage.querySelector(".photo").src = page.picture;
stage.querySelector(".outline").src = page.outline;
showSetting();
paintScale();
const showVotes = makeVotes();
const showReferences = makeReferences((n, row, column) => {
  selection.pointed = n === null ? null : [n, row, column];
  showPair(selection.sight, selection.pointed);
});

function select(pixel) {
  selection.pixel = [Math.min(height - 1, Math.max(0, pixel[0])), Math.min(width - 1, Math.max(0, pixel[1]))];
  const [row, column] = cellOf(selection.pixel);
  if (!selection.sight || selection.sight.row !== row || selection.sight.column !== column) {
    selection.sight = look(row, column);
    selection.result = count(selection.sight);
    showVotes(selection.result);
    showReferences(selection.sight, selection.result, selection.view);
    showPair(selection.sight, selection.pointed);
    selection.best = bestMatches(selection.sight, 5);
    showMatches(selection.sight, selection.best);
  }
  showWords(selection.pixel, selection.result, selection.best);
  const ring = stage.querySelector(".ring");
  ring.style.left = `${(100 * (selection.pixel[1] + 0.5)) / width}%`;
  ring.style.top = `${(100 * (selection.pixel[0] + 0.5)) / height}%`;
  Object.assign(stage.dataset, { row: selection.pixel[0], column: selection.pixel[1] });
}

// A picture at a time: a fast pointer moves more often than the screen is drawn.
let awaited = null;
function follow(event) {
  const place = stage.getBoundingClientRect();
  const pixel = [Math.floor(((event.clientY - place.top) / place.height) * height), Math.floor(((event.clientX - place.left) / place.width) * width)];
  if (awaited === null) {
    requestAnimationFrame(() => {
      select(awaited);
      awaited = null;
    });
  }
  awaited = pixel;
}

stage.addEventListener("pointerdown", (event) => {
  stage.setPointerCapture(event.pointerId);
  follow(event);
});
stage.addEventListener("pointermove", (event) => {
  if (event.buttons & 1) follow(event);
});

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
stage.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Home") {
    select(page.pixel);
  } else if (STEPS[event.key]) {
    const cell = cellOf(selection.pixel);
    const far = event.shiftKey ? 5 : 1;
    const within = (n, size) => Math.min(size - 1, Math.max(0, n));
    select(middleOf(within(cell[0] + far * STEPS[event.key][0], gridHeight), within(cell[1] + far * STEPS[event.key][1], gridWidth)));
  } else {
    return;
  }
  event.preventDefault();
});

byId("views").addEventListener("change", (event) => {
  selection.view = event.target.value;
  showReferences(selection.sight, selection.result, selection.view);
});

for (const input of document.getElementsByName("view")) if (input.checked) selection.view = input.value;
select(page.pixel);
