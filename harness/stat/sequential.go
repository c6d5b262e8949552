package stat

import "math"

// EValue is the evidence, so far, that pairs which differ are regressions more
// often than not: the value of an e-process. Looking at it after each pair and
// stopping when it reaches 1/α is wrong with probability α at most, however often
// one looks; 1 is no evidence. It grows up to +Inf.
//
// Formula, a uniform mixture over rates of regression in (1/2, 1), with N =
// regressions + improvements:
//
//	2·2^N · B(regressions+1, improvements+1) · (1 - I_{1/2}(regressions+1, improvements+1))
//
// Source: A. Ramdas, P. Grünwald, V. Vovk and G. Shafer, Game-Theoretic Statistics
// and Safe Anytime-Valid Inference, Statistical Science 38 (2023); the level holds
// by J. Ville, Étude critique de la notion de collectif (1939).
func EValue(regressions, improvements int64) float64 {
	if regressions < 0 || improvements < 0 {
		return math.NaN()
	}
	a, b := float64(regressions+1), float64(improvements+1)
	logBeta := logGamma(a) + logGamma(b) - logGamma(a+b)
	upper := logRegularizedBeta(0.5, b, a) // of 1 - I_{1/2}(a, b)
	return math.Exp(math.Ln2*(a+b-1) + logBeta + upper)
}
