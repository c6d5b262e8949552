package stat

import "math"

// StudentCDF is the probability that a variable with Student's t distribution
// of df > 0 degrees of freedom is at most t; NaN when df is not positive.
//
// Formula: for t >= 0 it is 1 - I_x(df/2, 1/2)/2 with x = df/(df + t²).
func StudentCDF(t, df float64) float64 {
	if math.IsNaN(t) || !(df > 0) {
		return math.NaN()
	}
	tail := studentTail(math.Abs(t), df)
	if t < 0 {
		return tail
	}
	return 1 - tail
}

// studentTail is P(T > t) for t >= 0.
func studentTail(t, df float64) float64 {
	if math.IsInf(t, 1) {
		return 0
	}
	return regularizedBeta(df/(df+t*t), t*t/(df+t*t), df/2, 0.5) / 2
}

// StudentQuantile is the value below which a variable with Student's t
// distribution of df > 0 degrees of freedom falls with probability p: -Inf at
// 0, +Inf at 1, NaN outside [0,1] or when df is not positive.
//
// It inverts [StudentCDF] by Newton's method within a bracket; from 1,000
// degrees on it is the expansion 26.7.5 of Abramowitz and Stegun, Handbook of
// Mathematical Functions, exact there to about 1e-12.
func StudentQuantile(p, df float64) float64 {
	switch {
	case math.IsNaN(p) || p < 0 || p > 1 || !(df > 0):
		return math.NaN()
	case p == 0 || p == 1:
		return math.Inf(int(math.Copysign(1, p-0.5)))
	case p == 0.5:
		return 0
	case df >= 1000:
		return studentExpansion(NormalQuantile(p), df)
	}
	return math.Copysign(studentInverse(min(p, 1-p), df), p-0.5)
}

// studentExpansion is the asymptotic series in 1/df around the normal quantile.
func studentExpansion(z, df float64) float64 {
	z2 := z * z
	return polynomial(1/df, z,
		z*(z2+1)/4,
		z*polynomial(z2, 3, 16, 5)/96,
		z*polynomial(z2, -15, 17, 19, 3)/384,
		z*polynomial(z2, -945, -1920, 1482, 776, 79)/92160,
	)
}

// studentInverse finds t > 0 with P(T > t) = tail, for tail in (0, 1/2).
func studentInverse(tail, df float64) float64 {
	low, high := 0.0, 1.0
	for studentTail(high, df) > tail {
		low, high = high, high*2
		if math.IsInf(high, 1) {
			return high
		}
	}
	scale := math.Exp(logGamma((df+1)/2)-logGamma(df/2)) / math.Sqrt(df*math.Pi)
	t := (low + high) / 2
	for range 200 {
		over := studentTail(t, df) - tail
		if over > 0 {
			low = t
		} else {
			high = t
		}
		density := scale * math.Pow(1+t*t/df, -(df+1)/2)
		next := t + over/density
		if !(next > low && next < high) {
			next = low + (high-low)/2
		}
		if math.Abs(next-t) <= 1e-15*t {
			return next
		}
		t = next
	}
	return t
}
