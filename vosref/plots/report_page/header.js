// Title, rules, paths, numbers over everything, notes, and the switch between light and dark.

function showHeader() {
  document.title = `${report.name}: ${report.protocol.name}`;
  byId("name").textContent = methods.map((method) => method.name).join(" · ");
  byId("protocol").textContent = `Protocol ${report.protocol.name}${report.set ? `, set ${report.set}` : ""}`;
  const rules = Object.entries(report.protocol.rules ?? {});
  byId("rules").hidden = rules.length === 0;
  pairs(byId("rules").querySelector("dl"), rules);
  const results = methods.map((method) => [methods.length > 1 ? `Results of ${method.name}` : "Results", method.results]);
  pairs(byId("paths"), [...results, ["Truth", report.truth]]);
  showGlobal();
  showNotes();
  byId("footer").textContent = `Made by vosref ${report.vosref}.`;
  showTheme();
}

function pairs(list, entries) {
  list.replaceChildren(...entries.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))]));
}

function showGlobal() {
  const extra = ["seconds_per_frame", "peak_bytes"].filter((name) => methods.some((method) => exists(method[name])));
  const names = [...new Set(methods.flatMap((method) => Object.keys(method.global))), ...extra];
  const head = make("tr", {}, make("th", { scope: "col", hidden: methods.length < 2 }, "Results"));
  head.append(...names.map((name) => make("th", { scope: "col", title: name }, label(name))));
  const rows = methods.map((method) => {
    const row = make("tr", {}, make("th", { scope: "row", hidden: methods.length < 2 }, method.name));
    const value = (name) => (extra.includes(name) ? method[name] : method.global[name]);
    row.append(...names.map((name) => exactly(make("td", { "data-key": name }), value(name), name)));
    return row;
  });
  byId("global").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
}

function showNotes() {
  const notes = methods.flatMap((method) => (method.notes ?? []).map((note) => (methods.length > 1 ? `${method.name}: ${note}` : note)));
  byId("notes").hidden = notes.length === 0;
  byId("notes").querySelector("ul").replaceChildren(...notes.map((note) => make("li", {}, note)));
}

function showTheme() {
  const root = document.documentElement;
  const button = byId("theme");
  const isDark = () => root.dataset.theme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const name = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.title = `Show this page ${isDark() ? "light" : "dark"}`;
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
}
