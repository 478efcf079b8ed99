"""The application of a trace: in each handler it does something else that applications do."""

from cma_toolkit.firmware.kernel.limits import PERIOD_MS_MIN

TIMERS = 3
TOPICS = ("a", "level", "t" * 32)
KEYS = ("count", "list", "key of agent.state", "critical", "big")


class TraceApplication:
    """Draw what to do from the trace's own stream."""

    def __init__(self, rng, recorder, frames):
        self._rng = rng
        self._recorder = recorder
        self._frames = frames
        self._agent = None
        # Chosen once: what wakes from deep sleep registers the same timers again.
        self._periods_ms = [self._choose_period_ms() for _ in range(TIMERS)]
        self._actions = (
            self._publish,
            self._publish,
            self._publish_to_one,
            self._publish_much,
            self._request,
            self._request_much,
            self._set_state,
            self._set_state,
            self._set_critical,
            self._change_lent,
            self._forget,
            self._report,
            self._use_parts,
            self._fail,
            self._stay,
            self._say_nonsense,
            self._reboot,
        )

    def _choose_period_ms(self):
        spans_ms = (PERIOD_MS_MIN, 700, 10_000, 60_000, 300_000)
        return spans_ms[self._rng.below(len(spans_ms))]

    def setup(self, agent):
        """Register everything; sometimes fail half way."""
        self._agent = agent
        agent.state.critical("critical")
        for period_ms in self._periods_ms:
            agent.every(period_ms)(self._on_timer)
        if self._rng.below(20) == 0:
            raise RuntimeError("as intended")
        for topic in TOPICS:
            agent.on(topic)(self._on_message)

    def act_outside(self):
        """Do something between two steps, as a task of the user's own; its errors are its own."""
        if self._agent is not None:
            try:
                self._act()
            except Exception as error:  # noqa: BLE001 - whatever it is, both runtimes must agree
                self._recorder.fold("outside", type(error).__name__.encode())

    def _on_timer(self):
        self._act()

    def _on_message(self, message):
        self._recorder.fold("message", repr_of(message))
        self._act()
        return self._rng.below(100)

    def _on_answer(self, message):
        self._recorder.see("answer " + (message.error or "good"))
        self._recorder.fold("answer", repr_of(message))
        self._act()

    def _act(self):
        self._actions[self._rng.below(len(self._actions))]()

    def _topic(self):
        return TOPICS[self._rng.below(len(TOPICS))]

    def _publish(self):
        self._agent.publish(self._topic(), self._rng.below(1 << 29))

    def _publish_to_one(self):
        self._agent.publish(self._topic(), [1, "x"], to=self._frames.name())

    def _publish_much(self):
        self._agent.publish("level", "y" * self._rng.below(1_100))

    def _request(self):
        deadline_ms = (500, 5_000)[self._rng.below(2)]
        to = self._frames.name()
        self._agent.request(self._topic(), {"n": 1}, to, self._on_answer, deadline_ms)

    def _request_much(self):
        for _ in range(self._rng.below(10)):
            self._request()

    def _set_state(self):
        state, key = self._agent.state, KEYS[self._rng.below(len(KEYS))]
        if key == "big":
            state[key] = bytes(self._rng.below(700))
        elif key == "list":
            state[key] = [self._rng.below(100)]
        else:
            state[key] = self._rng.below(1 << 20)

    def _set_critical(self):
        self._agent.state["critical"] = self._rng.below(1 << 20)
        self._publish()

    def _change_lent(self):
        self._agent.state.setdefault("list", [])
        if isinstance(self._agent.state["list"], list):
            self._agent.state["list"].append(self._rng.below(9))

    def _forget(self):
        del self._agent.state[KEYS[self._rng.below(len(KEYS))]]

    def _report(self):
        self._agent.report("seen", [self._rng.below(9), self._agent.name])

    def _use_parts(self):
        value = self._agent.sensor(("level", "zero")[self._rng.below(2)]).read()
        self._agent.actuator("lamp").write(value)

    def _fail(self):
        raise (ValueError, KeyError, MemoryError)[self._rng.below(3)]("as intended")

    def _stay(self):
        self._agent.stay_awake(self._rng.below(3_000))

    def _say_nonsense(self):
        self._agent.publish("a", object)

    def _reboot(self):
        if self._rng.below(8) == 0:
            self._agent.reboot()


def repr_of(message):
    """Return a message's bytes, equal on both runtimes."""
    from trace_surroundings import encode

    return encode([message.source, message.topic, message.error]) + encode(message.value)
