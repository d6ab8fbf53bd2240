// Which object and frame are shown: everything that selects comes here, and everything that shows is told from here.

const selection = { object: 0, pinned: 0 };
showHeader();
const markRow = makeTable(selectObject);
const curves = makeCurves(selectFrame);
const showPicture = makePanes();

// A frame of null keeps the frame of the same name, where the object has it.
function selectObject(index, frame) {
  const [before, object] = [objects[selection.object], objects[index]];
  const same = object.sequence === before.sequence ? object.frames.indexOf(before.frames[selection.pinned]) : 0;
  selection.object = index;
  byId("detail-title").textContent = `${object.sequence}, object ${object.object}`;
  markRow(index);
  curves.show(object);
  selectFrame(frame ?? Math.max(0, same), true);
}

function selectFrame(frame, pin) {
  const object = objects[selection.object];
  if (pin) selection.pinned = frame;
  const shown = frame ?? selection.pinned;
  curves.mark(shown);
  showPicture(object, shown);
}

byId("detail").hidden = objects.length === 0;
if (objects.length) selectObject(0, null);
showWorst(selectObject);
showSpeed();
