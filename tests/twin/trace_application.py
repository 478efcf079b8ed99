"""The application of a trace: in each handler it does something else that applications do."""

PERIOD_MS_MIN = 10
TIMERS = 3
TOPICS = ("a", "level", "t" * 32)
KEYS = ("count", "list", "key of agent.state", "critical", "big")


class TraceApplication:
    """Draw what to do from the trace's own stream.

    It gets functions and no objects: an application knows none of the kernel's own names, which
    are others in an image.
    """

    def __init__(self, below, see, fold, encode, peer):
        self._below = below
        self._see = see
        self._fold = fold
        self._encode = encode
        self._peer = peer
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
        return spans_ms[self._below(len(spans_ms))]

    def setup(self, agent):
        """Register everything; sometimes fail half way."""
        self._agent = agent
        agent.state.critical("critical")
        for period_ms in self._periods_ms:
            agent.every(period_ms)(self._on_timer)
        if self._below(20) == 0:
            raise RuntimeError("as intended")
        for topic in TOPICS:
            agent.on(topic)(self._on_message)

    def act_outside(self):
        """Do something between two steps, as a task of the user's own; its errors are its own."""
        if self._agent is not None:
            try:
                self._act()
            except Exception as error:  # noqa: BLE001 - whatever it is, both runtimes must agree
                self._fold("outside", type(error).__name__.encode())

    def _on_timer(self):
        self._act()

    def _on_message(self, message):
        self._fold("message", self._bytes_of(message))
        self._act()
        return self._below(100)

    def _on_answer(self, message):
        self._see("answer " + (message.error or "good"))
        self._fold("answer", self._bytes_of(message))
        self._act()

    def _act(self):
        self._actions[self._below(len(self._actions))]()

    def _topic(self):
        return TOPICS[self._below(len(TOPICS))]

    def _publish(self):
        self._agent.publish(self._topic(), self._below(1 << 29))

    def _publish_to_one(self):
        self._agent.publish(self._topic(), [1, "x"], to=self._peer())

    def _publish_much(self):
        self._agent.publish("level", "y" * self._below(1_100))

    def _request(self):
        deadline_ms = (500, 5_000)[self._below(2)]
        to = self._peer()
        self._agent.request(self._topic(), {"n": 1}, to, self._on_answer, deadline_ms)

    def _request_much(self):
        for _ in range(self._below(10)):
            self._request()

    def _set_state(self):
        state, key = self._agent.state, KEYS[self._below(len(KEYS))]
        if key == "big":
            state[key] = bytes(self._below(700))
        elif key == "list":
            state[key] = [self._below(100)]
        else:
            state[key] = self._below(1 << 20)

    def _set_critical(self):
        self._agent.state["critical"] = self._below(1 << 20)
        self._publish()

    def _change_lent(self):
        self._agent.state.setdefault("list", [])
        if isinstance(self._agent.state["list"], list):
            self._agent.state["list"].append(self._below(9))

    def _forget(self):
        del self._agent.state[KEYS[self._below(len(KEYS))]]

    def _report(self):
        self._agent.report("seen", [self._below(9), self._agent.name])

    def _use_parts(self):
        value = self._agent.sensor(("level", "zero")[self._below(2)]).read()
        self._agent.actuator("lamp").write(value)

    def _fail(self):
        raise (ValueError, KeyError, MemoryError)[self._below(3)]("as intended")

    def _stay(self):
        self._agent.stay_awake(self._below(3_000))

    def _say_nonsense(self):
        self._agent.publish("a", object)

    def _reboot(self):
        if self._below(8) == 0:
            self._agent.reboot()

    def _bytes_of(self, message):
        encode = self._encode
        return encode([message.source, message.topic, message.error]) + encode(message.value)
