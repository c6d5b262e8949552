package harness

// reducedSum adds up what the trials of each case were reduced to, where that is
// not their mean.
type reducedSum struct {
	n            int64
	sum, squares exactSum
	low, high    exactSum // with 0 and with 1 in place of what is not known
	cases        int64    // that have a score, or one that could not be made
}

func (s reducedSum) clone() reducedSum {
	s.sum, s.squares, s.low, s.high = s.sum.clone(), s.squares.clone(), s.low.clone(), s.high.clone()
	return s
}

func (s *reducedSum) add(scores []float64, unknown, unanswered int, reduce func([]float64) float64) {
	s.cases++
	if len(scores) > 0 {
		if v := reduce(scores); v == v { // too few of them give NaN
			s.n++
			s.sum.add(v)
			s.squares.add(v * v)
		}
	}
	for range unanswered {
		scores = append(scores, 0)
	}
	known := len(scores)
	for range unknown {
		scores = append(scores, 0)
	}
	s.low.add(orElse(reduce(scores), 0))
	for i := known; i < len(scores); i++ {
		scores[i] = 1
	}
	s.high.add(orElse(reduce(scores), 1))
}

// orElse is v, or what takes its place when too few trials give none.
func orElse(v, none float64) float64 {
	if v != v {
		return none
	}
	return v
}

// mean, and how low and how high it could be when so many further cases got no
// answer at all, which count 0.
func (s *reducedSum) mean(silent int64) (mean float64, between [2]float64) {
	all := float64(s.cases + silent)
	return s.sum.value() / float64(max(s.n, 1)), [2]float64{s.low.value() / all, s.high.value() / all}
}

// addReduced takes the scores of one case.
func (m *metricFold) addReduced(scores []trialScore, unanswered int, reduce func([]float64) float64) {
	var values, passes []float64
	unknown := 0
	for _, t := range scores {
		switch s := t.score; {
		case s.Error != nil:
			unknown++
		default:
			values = append(values, s.Value)
			if s.Pass != nil {
				pass := 0.0
				if *s.Pass {
					pass = 1
				}
				passes = append(passes, pass)
			}
		}
	}
	m.scoreOf.add(values, unknown, unanswered, reduce)
	if len(passes)+unknown == len(scores) {
		m.passOf.add(passes, unknown, unanswered, reduce)
	}
}

// reduced puts the reduced numbers into a metric; so many cases got no answer.
func (m *metricFold) reduced(out *Metric, silent int64) {
	if s := &m.scoreOf; s.cases > 0 {
		out.N = s.n
		out.Mean, out.MeanBounds = s.mean(silent)
		out.StdDev = sampleDeviation(s.n, s.sum.value(), s.squares.value())
	}
	if s := &m.passOf; out.PassRate != nil && s.cases > 0 {
		var rate float64
		rate, out.PassBounds = s.mean(silent)
		out.PassRate = &rate
	}
}
