"""Answers each line of standard input, a JSON list of a question and its
arguments, with a line of JSON: a list of numbers."""

import json
import sys

import numpy as np
from scipy import stats


def sign_flip(d):
    d = np.asarray(d, dtype=float)
    r = stats.permutation_test(
        (d,), np.sum, permutation_type="samples", alternative="less", n_resamples=np.inf
    )
    return [r.pvalue]


answers = {
    "binomial": lambda k, n, p: [
        stats.binomtest(k, n, p, alternative="less").pvalue,
        stats.binomtest(k, n, p, alternative="greater").pvalue,
    ],
    "exact": lambda k, n, level: list(stats.binomtest(k, n).proportion_ci(level, "exact")),
    "wilson": lambda k, n, level: list(stats.binomtest(k, n).proportion_ci(level, "wilson")),
    "beta": lambda p, a, b: [stats.beta.ppf(p, a, b)],
    "betacdf": lambda x, a, b: [stats.beta.cdf(x, a, b)],
    "t": lambda x, p, df: [stats.t.cdf(x, df), stats.t.ppf(p, df)],
    "normal": lambda z, p: [stats.norm.cdf(z), stats.norm.ppf(p)],
    "mean": lambda d: [
        stats.ttest_1samp(d, 0, alternative="less").pvalue,
        stats.ttest_1samp(d, 0, alternative="greater").pvalue,
    ],
    "flip": sign_flip,
}

for line in sys.stdin:
    question, *args = json.loads(line)
    print(json.dumps([float(x) for x in answers[question](*args)]), flush=True)
