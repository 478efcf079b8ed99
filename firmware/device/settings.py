"""The identity of this board and the values of its settings, as provisioning wrote them."""


class Settings:
    """What the agent, links and drivers ask for while they run; `device.nvs` reads it."""

    def __init__(self, mac):
        from device import nvs

        nvs.fill(self, mac)

    def whole(self, key, default):
        """Return a setting that is a whole number."""
        value = self.values.get(key, default)
        return value if isinstance(value, int) else default
