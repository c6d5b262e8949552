package stat

import "math"

// RegularizedBeta is I_x(a, b), the regularized incomplete beta function, for x
// in [0,1] and a, b > 0; NaN for anything else. The relative error is about
// 1e-12 while a and b stay under some thousands.
//
// Source: the continued fraction 8.17.22 of the NIST Digital Library of
// Mathematical Functions, evaluated by the method of Lentz as modified by
// Thompson and Barnett (1986).
func RegularizedBeta(x, a, b float64) float64 {
	return regularizedBeta(x, 1-x, a, b)
}

// regularizedBeta takes 1-x too: near x = 1 the caller may know it better.
func regularizedBeta(x, rest, a, b float64) float64 {
	switch {
	case math.IsNaN(x) || x < 0 || rest < 0 || !(a > 0) || !(b > 0):
		return math.NaN()
	case x == 0:
		return 0
	case rest == 0:
		return 1
	}
	front := betaFront(x, rest, a, b)
	if x < (a+1)/(a+b+2) { // where the fraction converges fast
		return math.Exp(front) * betaFraction(x, a, b) / a
	}
	return 1 - math.Exp(front)*betaFraction(rest, b, a)/b
}

// betaFront is the logarithm of x^a·(1-x)^b/B(a,b).
func betaFront(x, rest, a, b float64) float64 {
	return logGamma(a+b) - logGamma(a) - logGamma(b) + a*math.Log(x) + b*math.Log(rest)
}

// logRegularizedBeta is the logarithm of I_x(a, b) for x within (0,1), also where
// that is too small for a float64.
func logRegularizedBeta(x, a, b float64) float64 {
	if x < (a+1)/(a+b+2) {
		return betaFront(x, 1-x, a, b) + math.Log(betaFraction(x, a, b)/a)
	}
	return math.Log(RegularizedBeta(x, a, b))
}

func betaFraction(x, a, b float64) float64 {
	const (
		tiny       = 1e-300
		enough     = 1e-16
		iterations = 10_000
	)
	away := func(v float64) float64 { // from zero, to divide by
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c := 1.0
	d := 1 / away(1-(a+b)*x/(a+1))
	h := d
	for i := 1; i <= iterations; i++ {
		m := float64(i)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / away(1+even*d)
		c = away(1 + even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / away(1+odd*d)
		c = away(1 + odd/c)
		step := d * c
		h *= step
		if math.Abs(step-1) <= enough {
			break
		}
	}
	return h
}

// logGamma is the logarithm of the gamma function of a positive number.
func logGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}
