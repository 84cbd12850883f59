"""The last step of a decision: from the numbers of one tick to lines and the word for why. What is recorded is replayed here."""

from typing import Any

from callcenter.campaigns.forecast import missed


def choose(inputs: dict[str, Any]) -> tuple[int, str]:
    """Return how many lines to start, and the word for why, from the inputs of a decision alone."""
    mode = inputs["mode"]
    if mode == "agentless":
        return max(0, min(inputs["most"] - inputs["in_use"], inputs["credit"])), "agentless"
    if inputs["signed_in"] == 0:
        return 0, "nobody"
    if mode == "preview":
        return 0, "preview"
    lines, why = _wanted(inputs, mode, max(0, inputs["ready"] - inputs["pending"]))
    room: int = inputs["room"]
    if lines > room:
        return room, "trouble" if inputs["trouble"] else "no_room"
    return lines, why


def _wanted(inputs: dict[str, Any], mode: str, one_each: int) -> tuple[int, str]:
    """Return the lines the mode asks for: one for each ready agent, and more while the price and the cap carry them."""
    if mode == "progressive" or inputs["cap"] <= 0.0:
        return one_each, "one_each"
    if inputs["late"]:
        held = max(Weighing(inputs, True).largest(one_each), min(one_each, int(inputs["pending"] == 0)))
        if held < one_each:
            return held, "budget_spent"
    if inputs["left"] <= 0:
        return one_each, "budget_spent"
    most: int = inputs["room"]
    if mode == "power":
        most = min(most, int(inputs["ratio"] * inputs["ready"]) - inputs["pending"])
    if most <= one_each:
        return one_each, "power" if mode == "power" else "one_each"
    lines = Weighing(inputs, mode == "power").largest(most)
    return (lines, "power" if mode == "power" else "paced") if lines > one_each else (one_each, "one_each")


class Weighing:
    """Weighs numbers of new lines against the price of one abandoned call and against what is left of the budget."""

    def __init__(self, inputs: dict[str, Any], only_left: bool) -> None:
        self.agents: int = inputs["ready"] - inputs["waiting"]
        self.unmet: int = (
            inputs["left"] + inputs.get("back", 0) - inputs["waiting"] + 1
        )  # answers over the cap, if nobody came free
        self.price: float = 2.0 if only_left else inputs["price"]
        self.sure: float = inputs["sure"]
        self.doubt: float = inputs["doubt"]
        self.line: list[float] = inputs["line"]
        self.weights: list[float] = inputs["weights"]
        self.people: list[float] = inputs["people"]
        self.people_variance: list[float] = inputs["people_variance"]
        self.free: list[float] = inputs["free"]
        self.free_variance: list[float] = inputs["free_variance"]

    def largest(self, most: int) -> int:
        """Return the largest number of lines up to `most` that is carried, 0 when not even one is."""
        if most < 1 or not self.carries(1):
            return 0
        low, step = 1, 1
        while low < most:
            high = min(most, low + step)
            if self.carries(high):
                low = high
                step *= 2
            else:
                most = high - 1
                step = max(1, (most - low + 1) // 2)
        return low

    def within_cap(self, lines: int) -> bool:
        """Whether all who may answer, with so many new lines, could be abandoned and the period end now under its cap."""
        v, old = self.line[-1], self.people[-1]
        more = lines * v
        variance = self.people_variance[-1] + more * (1.0 - v) + self.doubt * more * (more + 2.0 * old)
        return missed(self.unmet, 0.0, 0.0, old + more, variance) <= self.sure

    def carries(self, lines: int) -> bool:
        """Whether so many new lines stay under the price, and the worst of what is in flight under the cap."""
        if not self.within_cap(lines):
            return False
        risk = worst = 0.0
        for k in range(len(self.line) - 1, -1, -1):
            v, old = self.line[k], self.people[k]
            more = lines * v
            variance = self.people_variance[k] + more * (1.0 - v) + self.doubt * more * (more + 2.0 * old)
            worst = max(worst, missed(self.agents, self.free[k], self.free_variance[k], old + more, variance))
            risk += self.weights[k] * worst
            if risk > self.price:
                return False
        return True
