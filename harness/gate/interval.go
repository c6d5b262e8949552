package gate

import (
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/stat"
)

// Level is the confidence of the intervals that [Intervals] gives.
const Level = 0.95

// Intervals fills in the interval of every metric that has one: of the pass
// rate Wilson's, of a mean Student's over the cases. A metric with fewer than
// two cases gets none.
//
// The trials of one case are not independent of each other. With several of
// them Wilson's interval is taken at the number of cases, which is wider than
// need be and never too narrow.
func Intervals(r *harness.Report) {
	trials := int64(max(r.TrialsPerCase, 1))
	for i := range r.Metrics {
		m := &r.Metrics[i]
		m.Interval = nil
		cases := m.N
		if m.PassRate != nil {
			cases = min(m.N, (m.Judged+trials-1)/trials)
		}
		if cases < 2 {
			continue
		}
		var low, high float64
		switch {
		case m.PassRate == nil:
			low, high = stat.MeanInterval(cases, m.Mean, m.StdDev, Level)
		case trials == 1:
			low, high = stat.Wilson(m.Passed, m.Judged, Level)
		default:
			low, high = stat.WilsonRate(*m.PassRate, cases, Level)
		}
		m.Interval = &harness.Interval{Low: low, High: high, Level: Level}
	}
}
