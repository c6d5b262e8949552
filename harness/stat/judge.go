package stat

import "math"

// Judged is how a judge did on items with known answers.
type Judged struct {
	// Sensitivity is the part of the good ones that it passed, Specificity that of
	// the bad ones that it failed; both in [0,1].
	Sensitivity, Specificity float64
	// Good and Bad count them.
	Good, Bad int64
}

// RoganGladen corrects a pass rate that a judge gave to n items for the judge's
// errors, and gives its standard error. A judge no better than chance (Sensitivity
// + Specificity <= 1) says nothing: NaN.
//
// Formula, with s = Sensitivity + Specificity - 1:
//
//	p = (rate + Specificity - 1)/s, in [0,1]
//	SE² = (rate(1-rate)/n + p²·se(1-se)/Good + (1-p)²·sp(1-sp)/Bad)/s²
//
// Source: W. J. Rogan and B. Gladen, Estimating Prevalence from the Results of a
// Screening Test, American Journal of Epidemiology 107 (1978).
func (j Judged) RoganGladen(rate float64, n int64) (p, se float64) {
	s := j.Sensitivity + j.Specificity - 1
	if !(s > 0) || n <= 0 || j.Good <= 0 || j.Bad <= 0 {
		return math.NaN(), math.NaN()
	}
	p = min(max((rate+j.Specificity-1)/s, 0), 1)
	variance := rate*(1-rate)/float64(n) +
		p*p*j.Sensitivity*(1-j.Sensitivity)/float64(j.Good) +
		(1-p)*(1-p)*j.Specificity*(1-j.Specificity)/float64(j.Bad)
	return p, math.Sqrt(variance) / s
}

// PPI is the estimate of a mean from many items that only a judge has scored
// (unlabelled) and a few, drawn at random, that a human has scored too: human and
// judge have the scores of the same items. It is right however bad the judge is.
//
// Formula: θ = mean(unlabelled) + mean(human-judge), SE² = var(unlabelled)/N +
// var(human-judge)/n.
//
// Source: A. N. Angelopoulos et al., Prediction-Powered Inference, Science 382
// (2023).
func PPI(human, judge, unlabelled []float64) (mean, se float64) {
	return ppi(human, judge, unlabelled, 1)
}

// TunedPPI is [PPI] with the weight for the judge that makes the variance least,
// in [0,1]. The weight is itself an estimate: it wants 100 human scores or more.
//
// Formula: weight = cov(human,judge)/((1+n/N)·var(judge)).
//
// Source: A. N. Angelopoulos, J. C. Duchi and T. Zrnic, PPI++, arXiv:2311.01453
// (2023).
func TunedPPI(human, judge, unlabelled []float64) (mean, se float64) {
	if len(human) < 2 || len(human) != len(judge) || len(unlabelled) < 2 {
		return math.NaN(), math.NaN()
	}
	h, j := average(human), average(judge)
	var covariance, variance float64
	for i := range human {
		covariance += (human[i] - h) * (judge[i] - j)
		variance += (judge[i] - j) * (judge[i] - j)
	}
	weight := 0.0
	if variance > 0 {
		weight = covariance / variance / (1 + float64(len(human))/float64(len(unlabelled)))
	}
	return ppi(human, judge, unlabelled, min(max(weight, 0), 1))
}

func ppi(human, judge, unlabelled []float64, weight float64) (mean, se float64) {
	if len(human) < 2 || len(human) != len(judge) || len(unlabelled) < 2 {
		return math.NaN(), math.NaN()
	}
	rest := make([]float64, len(human))
	for i := range human {
		rest[i] = human[i] - weight*judge[i]
	}
	many, few := Mean(unlabelled), Mean(rest)
	return weight*many.Value + few.Value, math.Hypot(weight*many.SE, few.SE)
}
