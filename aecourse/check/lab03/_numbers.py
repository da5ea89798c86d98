"""What the exercises share whose result is one number."""


def rounded(values: list[float], right: list[float]) -> bool:
    """Return whether all values are whole numbers and less than one away from the right ones."""
    return all(v == round(v) and abs(v - w) < 1 for v, w in zip(values, right, strict=True))
