package stat

import "math"

// Components splits the variance of scores into that between cases (of their true
// means) and that within a case (between its trials). trials has the scores of
// each case, not all cases as many. Cases with one trial say nothing of the second;
// when none has more it is NaN, and the first is the whole variance then.
//
// Formula, for n cases with k_i of N trials: within = Σ(x-x̄_i)²/(N-n), between =
// max(0, (Σk_i(x̄_i-x̄)²/(n-1) - within)/k₀), k₀ = (N - Σk_i²/N)/(n-1).
//
// Source: S. R. Searle, G. Casella and C. E. McCulloch, Variance Components (1992),
// section 3.6.
func Components(trials [][]float64) (between, within float64) {
	var n, total, squares, sum, inside float64
	means := make([]float64, 0, len(trials))
	sizes := make([]float64, 0, len(trials))
	for _, scores := range trials {
		if len(scores) == 0 {
			continue
		}
		k, mean := float64(len(scores)), average(scores)
		n, total, squares, sum = n+1, total+k, squares+k*k, sum+k*mean
		for _, x := range scores {
			inside += (x - mean) * (x - mean)
		}
		means, sizes = append(means, mean), append(sizes, k)
	}
	if n < 2 {
		return math.NaN(), math.NaN()
	}
	var outside float64
	for i, mean := range means {
		outside += sizes[i] * (mean - sum/total) * (mean - sum/total)
	}
	outside /= n - 1
	if total == n {
		return outside, math.NaN()
	}
	within = inside / (total - n)
	return max(0, (outside-within)*(n-1)/(total-squares/total)), within
}

// Design is a comparison that is being planned.
type Design struct {
	// Variance is that of one case's difference between the two runs: between cases
	// plus within cases over the number of trials, of both runs.
	Variance float64
	// Alpha is the one-sided level, such as 0.05. Half of it plans a two-sided test.
	Alpha float64
	// Power is the probability of finding the effect, such as 0.8.
	Power float64
}

// Cases is how many cases find a difference of effect; +Inf when none are enough.
//
// Formula: (z_{1-α} + z_power)²·Variance/effect².
//
// Source: E. Miller, Adding Error Bars to Evals, arXiv:2411.00640 (2024), section 5.
func (d Design) Cases(effect float64) float64 {
	z := NormalQuantile(1-d.Alpha) + NormalQuantile(d.Power)
	return z * z * d.Variance / (effect * effect)
}

// Effect is the smallest difference that so many cases find; the inverse of
// [Design.Cases].
func (d Design) Effect(cases float64) float64 {
	z := NormalQuantile(1-d.Alpha) + NormalQuantile(d.Power)
	return z * math.Sqrt(d.Variance/cases)
}

// McNemarCases is how many pairs find, with McNemar's one-sided test at alpha, that
// a part regress of the pairs gets worse and a part improve gets better.
//
// Formula, with s = regress + improve and e = regress - improve:
//
//	(z_{1-α}·√s + z_power·√(s-e²))²/e²
//
// Source: R. J. Connor, Sample Size for Testing Differences in Proportions for the
// Paired-Sample Design, Biometrics 43 (1987).
func McNemarCases(regress, improve, alpha, power float64) float64 {
	s, e := regress+improve, regress-improve
	root := NormalQuantile(1-alpha)*math.Sqrt(s) + NormalQuantile(power)*math.Sqrt(s-e*e)
	return root * root / (e * e)
}

// McNemarPower gives the probability that McNemar's one-sided mid-p test at alpha
// rejects with n pairs, of which each gets worse with probability regress and
// better with probability improve.
//
// Formula: Σ_c P(C = c)·P(B >= b(c)), C binomial in n and improve, B in n-c and
// regress/(1-improve), and b(c) the fewest regressions that are significant beside
// c improvements. Values of C further than four standard deviations off are left
// out: less than 1e-4 of the whole.
func McNemarPower(n int64, alpha float64) func(regress, improve float64) float64 {
	fewest := mcnemarFewest(alpha)
	return func(regress, improve float64) float64 {
		if n <= 0 || !(regress >= 0 && improve >= 0 && regress+improve <= 1) {
			return math.NaN()
		}
		mean := float64(n) * improve
		reach := 4*math.Sqrt(mean*(1-improve)) + 4
		from, to := int64(max(0, mean-reach)), int64(min(float64(n), mean+reach))
		power, at := 0.0, binomialAt(from, n, improve)
		for c := from; c <= to && at > 0; c++ {
			power += at * BinomialAtLeast(fewest(c), n-c, min(1, regress/(1-improve)))
			at *= float64(n-c) / float64(c+1) * improve / (1 - improve)
		}
		return power
	}
}

// mcnemarFewest gives the fewest regressions that are significant beside so many
// improvements, and remembers them.
func mcnemarFewest(alpha float64) func(improvements int64) int64 {
	known := map[int64]int64{}
	return func(c int64) int64 {
		b, ok := known[c]
		if ok {
			return b
		}
		b = max(c, known[c-1])
		for _, mid := McNemar(b, c); mid > alpha; _, mid = McNemar(b, c) {
			b++
		}
		known[c] = b
		return b
	}
}
