"""What can be wrong with a scenario."""


class ScenarioError(Exception):
    """Refuse a scenario with one sentence that says what to do."""
