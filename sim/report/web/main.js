// Puts the page together: one chosen agent, one instant, one figure in colours.

const data = await unpack(byId("data").textContent);
const figures = columns(data);
const BY_STATE = "state at the cursor";
const LEGEND = [["awake", "awake, radio off"], ["radio", "radio on"], ["asleep", "asleep"], ["dark", "no power"]];
let bin = data.sent.length - 1;
let figure = figures[0];
let paint = ramp();
let most = 1;

function look(index) {
  const agent = data.agents[index];
  if (figure) return paint(figure.value(agent) / most);
  const shares = spent(agent, bin);
  if (shares.dark >= 20) return colour("dark");
  return colour(shares.radio >= 20 ? "radio" : shares.awake >= 50 ? "awake" : "asleep");
}

function describe(index) {
  const agent = data.agents[index];
  if (figure) return `${agent.name}: ${figure.name} ${number(figure.value(agent))}`;
  const shares = spent(agent, bin);
  return `${agent.name}: ${LEGEND.filter(([key]) => shares[key]).map(([key, name]) => `${name} ${shares[key]} %`).join(", ")}`;
}

function choose(index) {
  const name = index < 0 ? "" : data.agents[index].name;
  if (decodeURIComponent(location.hash.slice(1)) !== name) location.hash = name;
  map.chosen = index;
  map.draw();
  life.show(index);
  table.show(index);
  spread.mark(index);
}

function point(at) {
  bin = Math.min(data.sent.length - 1, Math.max(0, at));
  byId("cursor").value = bin;
  byId("instant").textContent = clock(Math.min(data.end_ms, (bin + 1) * data.bin_ms));
  for (const chart of charts) chart.point(bin);
  life.point(bin);
  if (!figure) map.draw();
}

function setFigure() {
  figure = figures[byId("metric").value] ?? null;
  if (figure) {
    most = roundUp(data.agents.reduce((top, agent) => Math.max(top, figure.value(agent)), 0));
    spread.show(figure);
  }
  drawLegend();
  map.draw();
}

function drawLegend() {
  const links = data.links_left_out ? [element("span", {}, `${whole.format(data.links_left_out)} quieter links are not drawn`)] : [];
  const errors = data.agents.some((agent) => agent.errors) ? [element("span", { class: "key", of: "var(--bad)" }, "ring: the application raised")] : [];
  const parts = figure
    ? [element("span", {}, figure.name), element("span", {}, "0"), element("span", { class: "ramp" }), element("span", {}, number(most))]
    : LEGEND.map(([key, name]) => element("span", { class: "key", of: `var(--${key})` }, name));
  byId("legend").replaceChildren(...parts, ...errors, ...links);
}

/** Returns the mean of a share over all agents, for each bin. */
function mean(key) {
  return data.sent.map((_, at) => data.agents.reduce((sum, agent) => sum + spent(agent, at)[key], 0) / data.agents.length);
}

const lengthS = (at) => Math.max(1, Math.min(data.bin_ms, data.end_ms - at * data.bin_ms)) / 1000;

function makeCharts() {
  const palette = ["c1", "c2", "c3", "c4", "c5", "link"];
  const tenth = (values) => values.map((value) => (value === null ? null : value / 10));
  const agreed = Object.entries(data.agree_permille).map(([key, values], i) => ({ name: `agree on ${key}`, colour: palette[i], values: tenth(values) }));
  const made = [
    new TimeChart(data, "Convergence", [{ name: "know their neighbours", colour: "c0", values: tenth(data.known_permille) }, ...agreed], { unit: " %", most: 100 }),
    new TimeChart(data, "Frames a second", [
      { name: "sent", colour: "c0", values: data.sent.map((count, at) => count / lengthS(at)) },
      { name: "heard", colour: "c2", values: data.heard.map((count, at) => count / lengthS(at)) },
    ]),
    new TimeChart(data, "Agents' time", SHARES.map(([key, name]) => ({ name, colour: key, values: mean(key) })), { unit: " %", most: 100, isStacked: true }),
  ];
  if (data.has_energy) {
    const used = Object.entries(data.used_uah).map(([name, values], i) => ({ name, colour: ["c2", "c0", "c1"][i], values }));
    made.push(new TimeChart(data, "Energy of an agent", used, { unit: " µAh" }));
  }
  if (data.has_supply) {
    const charges = data.sent.map((_, at) => data.agents.map((agent) => agent.charge[at]).filter((charge) => charge !== null));
    const lines = [["least", (all) => Math.min(...all)], ["mean", (all) => all.reduce((sum, one) => sum + one, 0) / all.length], ["most", (all) => Math.max(...all)]];
    made.push(new TimeChart(data, "Charge of a battery", lines.map(([name, value], i) => ({ name, colour: ["c2", "c0", "c1"][i], values: charges.map((all) => (all.length ? value(all) : null)) })), { unit: " %", most: 100 }));
  }
  if (data.errors.some(Boolean)) made.push(new TimeChart(data, "Errors of the application", [{ name: "raised", colour: "bad", values: data.errors }]));
  made.push(new FaultChart(data));
  return made;
}

function followPointer(chart) {
  const width = chart.width ?? CHART.width;
  const follow = (event) => point(binAt(data, chart.svg, event, width));
  chart.svg.addEventListener("pointerdown", follow);
  chart.svg.addEventListener("pointermove", (event) => event.buttons && follow(event));
}

function play() {
  const button = byId("play");
  if (timer) {
    clearInterval(timer);
    timer = 0;
  } else {
    if (bin >= data.sent.length - 1) point(0);
    timer = setInterval(() => (bin >= data.sent.length - 1 ? play() : point(bin + 1)), 60);
    byId("metric").value = BY_STATE;
    setFigure();
  }
  button.textContent = timer ? "Pause" : "Play";
}

function fillHead() {
  const facts = { agents: whole.format(data.agents.length), "simulated time": clock(data.end_ms), ...data.facts };
  byId("facts").replaceChildren(...Object.entries(facts).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  byId("verdict").textContent = data.problem || "All that must hold held";
  byId("verdict").className = data.problem ? "broke" : "held";
  byId("metric").replaceChildren(...figures.map((column, i) => element("option", { value: i }, column.name)), element("option", { value: BY_STATE }, BY_STATE));
  const floors = [...new Set(data.places.map((place) => place[2]))].sort((a, b) => a - b);
  byId("floors").hidden = floors.length < 2;
  byId("floor").replaceChildren(element("option", { value: "all" }, "all"), ...floors.map((z, i) => element("option", { value: z }, i)));
  byId("cursor").max = data.sent.length - 1;
}

function chooseByHash() {
  const name = decodeURIComponent(location.hash.slice(1));
  const index = data.agents.findIndex((agent) => agent.name === name);
  if (index !== map.chosen) choose(index);
}

let timer = 0;
fillHead();
const map = new WorldMap(data, look, choose);
map.describe = describe;
const life = new LifePanel(data);
const table = new AgentTable(data, choose);
const spread = new SpreadChart(data, choose);
const charts = makeCharts();
byId("charts").replaceChildren(...charts.map((chart) => chart.node));
charts.forEach(followPointer);
setFigure();
point(bin);
chooseByHash();

byId("metric").addEventListener("change", setFigure);
byId("floor").addEventListener("change", (event) => { map.floor = event.target.value; map.draw(); });
byId("show-links").addEventListener("change", (event) => { map.hasLinks = event.target.checked; map.draw(); });
byId("fit").addEventListener("click", () => { map.fit(); map.draw(); });
byId("cursor").addEventListener("input", (event) => point(Number(event.target.value)));
byId("play").addEventListener("click", play);
const repaint = () => { paint = ramp(); drawLegend(); map.draw(); };
byId("theme").addEventListener("click", () => { switchTheme(); repaint(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
addEventListener("hashchange", chooseByHash);
document.documentElement.dataset.ready = "yes";
