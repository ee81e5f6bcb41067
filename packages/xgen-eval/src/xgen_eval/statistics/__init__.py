"""How far off a number may be, and whether two numbers differ.

Every estimate names its independent units. Tokens of one document are not independent of each
other, so figures over tokens are estimated by cluster: by document, or by window.

    estimates      means and ratios with their standard errors, by cluster where items share one
    intervals      of one number: Wilson, Student
    bootstrap      of figures that have no formula: percentile and BCa
    paired         two systems on the same items: McNemar, bootstrap, Student, sign flips
    independent    two groups of items, or a published number: Newcombe, Fisher, Welch
    multiple       Holm's correction, and the smallest difference that could be seen
"""

from xgen_eval.statistics.bootstrap import bca_interval, mean_of_sums, percentile_interval
from xgen_eval.statistics.estimates import (
    Estimate,
    cluster_sums,
    clustered_mean,
    mean_stderr,
    ratio_of_sums,
)
from xgen_eval.statistics.independent import (
    binomial_stderr,
    clustered_difference,
    fisher_exact,
    independent_difference,
    newcombe_interval,
    proportion_difference,
    welch_difference,
)
from xgen_eval.statistics.intervals import Interval, t_interval, wilson_interval
from xgen_eval.statistics.multiple import ALPHA, detectable_difference, holm
from xgen_eval.statistics.paired import (
    Difference,
    McNemar,
    mcnemar,
    paired_bootstrap,
    paired_proportions,
    paired_t,
    sign_flip_test,
)

__all__ = [
    "ALPHA",
    "Difference",
    "Estimate",
    "Interval",
    "McNemar",
    "bca_interval",
    "binomial_stderr",
    "cluster_sums",
    "clustered_difference",
    "clustered_mean",
    "detectable_difference",
    "fisher_exact",
    "holm",
    "independent_difference",
    "mcnemar",
    "mean_of_sums",
    "mean_stderr",
    "newcombe_interval",
    "paired_bootstrap",
    "paired_proportions",
    "paired_t",
    "percentile_interval",
    "proportion_difference",
    "ratio_of_sums",
    "sign_flip_test",
    "t_interval",
    "welch_difference",
    "wilson_interval",
]
