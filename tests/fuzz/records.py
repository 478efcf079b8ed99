"""An input as a row of records, for machines that take one thing after the other."""


def records(data, head_bytes):
    """Yield the head and the body of each record: a byte says how long the body is."""
    at = 0
    while at + 1 + head_bytes <= len(data):
        body_at = at + 1 + head_bytes
        end = min(body_at + data[at], len(data))
        yield data[at + 1 : body_at], data[body_at:end]
        at = end


def record(head, body):
    """Return one record."""
    return bytes((len(body),)) + head + body
