"""Surge: what live demand makes of a price, decided before anyone is charged it (contract section 6).

It owns the windows that demand is counted in, the replaceable function of demand and the decision
of each interval. It does not own counting over many machines (`udfs`), nor what a factor does to an
amount (`billing.price`). A new function of demand is one file and one line here.
"""

from billing.surge.elasticity import Elasticity
from billing.surge.levels import Levels
from billing.surge.rule import Decision, Situation, SurgeLevel, SurgeModel, SurgeRule

__all__ = ["MODELS", "Decision", "Elasticity", "Levels", "Situation", "SurgeLevel", "SurgeModel", "SurgeRule"]

MODELS: dict[str, type[Levels | Elasticity]] = {
    "levels": Levels,
    "elasticity": Elasticity,
}
