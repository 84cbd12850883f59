"""The next half minute as numbers: how many agents come free, how many people answer, and the chance that they do not meet."""

import math

SMALL = 9.0  # variance under which the counts are added up one by one


def counts(mean: float, variance: float, most: int) -> list[float]:
    """Return the chances of 0..most events, of the binomial, Poisson or negative binomial law with this mean and variance."""
    if mean <= 1e-9:
        return [1.0] + [0.0] * most
    a = 1.0 - mean / variance
    ab = mean * mean / variance
    p = math.exp(-mean) if abs(a) < 1e-6 else math.exp(ab / a * math.log(1.0 - a))
    b = ab - a
    law = [p]
    for k in range(1, most + 1):
        p *= a + b / k
        if p <= 0.0:
            break
        law.append(p)
    law += [0.0] * (most + 1 - len(law))
    return law


def missed(agents: int, free: float, free_variance: float, people: float, people_variance: float) -> float:
    """Return the chance that people who answer outnumber, or equal, agents: that one person more would meet nobody.

    `agents` are free now (less those who wait already); `free` come free by then, `people` answer by then: means and variances.
    """
    variance = free_variance + people_variance
    if variance > SMALL or people_variance < 1e-9:
        z = (agents - 0.5 - people + free) / math.sqrt(2.0 * max(variance, 1e-6))
        return 0.5 * math.erfc(z)
    most = int(free + 4.0 * math.sqrt(free_variance) + 2.0)
    freed = counts(free, free_variance, most)
    reach = agents + most
    if reach <= 0:
        return 1.0
    law = counts(people, people_variance, reach)
    # P(people >= agents + k) for each k agents freed
    below = 0.0
    start = max(0, agents)
    for x in range(start):
        below += law[x]
    chance = 0.0
    for k in range(most + 1):
        need = agents + k
        if need > 0:
            if need > start:
                below += law[need - 1]
            chance += freed[k] * (1.0 - below)
        else:
            chance += freed[k]
    return min(1.0, max(0.0, chance))
