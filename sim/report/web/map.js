// The agents where they are, with the links on which frames came through.

const ZOOM_MAX = 40;
const REACH_PX = 14; // of a click

class WorldMap {
  /** `look(agent)` returns the colour of an agent; `choose(agent or -1)` is called on a click. */
  constructor(data, look, choose) {
    this.data = data;
    this.look = look;
    this.choose = choose;
    this.canvas = byId("map");
    this.pen = this.canvas.getContext("2d");
    this.chosen = -1;
    this.floor = "all";
    this.hasLinks = true;
    this.busiest = Math.max(1, ...data.links.map((link) => link[2] + link[3]));
    this.fit();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  fit() {
    const xs = this.data.places.map((place) => place[0]);
    const ys = this.data.places.map((place) => place[1]);
    const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
    const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
    this.middle = [(least(xs) + most(xs)) / 2, (least(ys) + most(ys)) / 2];
    this.span = [Math.max(100, most(xs) - least(xs)), Math.max(100, most(ys) - least(ys))];
    this.zoom = 1;
    this.shift = [0, 0];
  }

  isOnFloor(agent) {
    return this.floor === "all" || String(this.data.places[agent][2]) === this.floor;
  }

  scale() {
    const { clientWidth, clientHeight } = this.canvas;
    const room = Math.min((clientWidth - 56) / this.span[0], (clientHeight - 72) / this.span[1]);
    return Math.max(1e-6, room) * this.zoom;
  }

  /** Returns where an agent is on the canvas. */
  at(agent) {
    const scale = this.scale();
    const [x, y] = this.data.places[agent];
    return [
      this.canvas.clientWidth / 2 + (x - this.middle[0]) * scale + this.shift[0],
      this.canvas.clientHeight / 2 - (y - this.middle[1]) * scale + this.shift[1],
    ];
  }

  draw() {
    const { canvas, pen } = this;
    const density = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * density);
    canvas.height = Math.round(canvas.clientHeight * density);
    pen.setTransform(density, 0, 0, density, 0, 0);
    const points = this.data.places.map((_, agent) => this.at(agent));
    if (this.hasLinks) this.drawLinks(points);
    this.drawAgents(points);
    this.drawRule();
  }

  drawLinks(points) {
    const { pen } = this;
    const isMany = this.data.links.length > 2000;
    for (const isOfChosen of [false, true]) {
      pen.strokeStyle = colour(isOfChosen ? "accent" : "link");
      for (const [one, other, there, back] of this.data.links) {
        if ((one === this.chosen || other === this.chosen) !== isOfChosen) continue;
        if (!this.isOnFloor(one) || !this.isOnFloor(other)) continue;
        const share = (there + back) / this.busiest;
        pen.globalAlpha = isOfChosen ? 0.9 : (isMany ? 0.12 : 0.2) + 0.4 * share;
        pen.lineWidth = isOfChosen ? 1.6 : 0.6 + share;
        pen.setLineDash(there && back ? [] : [4, 3]);
        pen.beginPath();
        pen.moveTo(...points[one]);
        pen.lineTo(...points[other]);
        pen.stroke();
      }
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  radius() {
    const count = this.data.agents.length;
    return Math.min(9, (count > 300 ? 3.4 : count > 60 ? 5 : 7) * Math.sqrt(this.zoom));
  }

  drawAgents(points) {
    const { pen, data } = this;
    const radius = this.radius();
    const isNamed = data.agents.length <= 40 || this.zoom > 5;
    pen.font = "11px system-ui, 'Open Sans', sans-serif";
    pen.textAlign = "center";
    data.agents.forEach((agent, index) => {
      if (!this.isOnFloor(index)) return;
      const [x, y] = points[index];
      if (x < -20 || y < -20 || x > this.canvas.clientWidth + 20 || y > this.canvas.clientHeight + 20) return;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fillStyle = this.look(index);
      pen.fill();
      pen.strokeStyle = colour(agent.errors ? "bad" : "card");
      pen.lineWidth = agent.errors && radius > 4 ? 2 : 1;
      pen.stroke();
      if (isNamed || index === this.chosen) {
        pen.fillStyle = colour("soft");
        pen.fillText(agent.name.replace("agent-", ""), x, y - radius - (index === this.chosen ? 8 : 4));
      }
    });
    if (this.chosen >= 0 && this.isOnFloor(this.chosen)) {
      pen.beginPath();
      pen.arc(...points[this.chosen], radius + 4, 0, 2 * Math.PI);
      pen.strokeStyle = colour("accent");
      pen.lineWidth = 2.5;
      pen.stroke();
    }
  }

  drawRule() {
    const { pen, canvas } = this;
    const metre = this.scale() * 100;
    const metres = roundUp(60 / metre);
    const [left, down] = [14, canvas.clientHeight - 12];
    pen.strokeStyle = pen.fillStyle = colour("soft");
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(left, down - 4);
    pen.lineTo(left, down);
    pen.lineTo(left + metres * metre, down);
    pen.lineTo(left + metres * metre, down - 4);
    pen.stroke();
    pen.textAlign = "left";
    pen.fillText(`${number(metres)} m`, left + 5, down - 5);
  }

  /** Returns the agent under a point of the canvas, or -1. */
  agentAt(x, y) {
    let [best, nearest] = [-1, REACH_PX ** 2];
    this.data.places.forEach((_, agent) => {
      if (!this.isOnFloor(agent)) return;
      const [a, b] = this.at(agent);
      const square = (a - x) ** 2 + (b - y) ** 2;
      if (square < nearest) [best, nearest] = [agent, square];
    });
    return best;
  }

  listen() {
    const { canvas } = this;
    let grip = null;
    canvas.addEventListener("pointerdown", (event) => {
      grip = { x: event.offsetX, y: event.offsetY, shift: this.shift, isMoved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!grip) return this.hint(event);
      const [dx, dy] = [event.offsetX - grip.x, event.offsetY - grip.y];
      grip.isMoved ||= Math.hypot(dx, dy) > 4;
      if (!grip.isMoved) return;
      this.shift = [grip.shift[0] + dx, grip.shift[1] + dy];
      this.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (grip && !grip.isMoved) this.choose(this.agentAt(event.offsetX, event.offsetY));
      grip = null;
    });
    canvas.addEventListener("pointerleave", () => (byId("hint").hidden = true));
    canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  onWheel(event) {
    event.preventDefault();
    const zoom = Math.min(ZOOM_MAX, Math.max(0.5, this.zoom * Math.exp(-event.deltaY / 400)));
    const { clientWidth, clientHeight } = this.canvas;
    const from = [event.offsetX - clientWidth / 2, event.offsetY - clientHeight / 2];
    this.shift = this.shift.map((value, i) => from[i] - ((from[i] - value) * zoom) / this.zoom);
    this.zoom = zoom;
    this.draw();
  }

  onKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const count = this.data.agents.length;
    if (event.key === "Escape") this.choose(-1);
    if (!step) return;
    event.preventDefault();
    this.choose(this.chosen < 0 ? 0 : (this.chosen + step + count) % count);
  }

  hint(event) {
    const hint = byId("hint");
    const agent = this.agentAt(event.offsetX, event.offsetY);
    hint.hidden = agent < 0;
    if (agent < 0) return;
    hint.textContent = this.describe(agent);
    const isRight = event.offsetX > this.canvas.clientWidth - 180;
    hint.style.left = `${event.offsetX + (isRight ? -12 - hint.offsetWidth : 12)}px`;
    hint.style.top = `${event.offsetY + 12}px`;
  }

  describe(agent) {
    return this.data.agents[agent].name;
  }
}
