package harness

import "time"

// Report is what a run came to. The same results give the same report, in
// whatever order they arrived (times aside).
type Report struct {
	RunID string
	Suite string
	// App is which of the suite's apps was run; "" when there is only one.
	App        string
	StartedAt  time.Time
	FinishedAt time.Time
	// Status is Complete only when every planned trial has its result.
	Status Status
	// Reasons say why the run is incomplete, in sentences.
	Reasons []string
	// FailedFast: it is so because a check of the gate was certain to fail, and for
	// no other reason.
	FailedFast bool
	// Verdict is what package gate decides; "" until it has. Without checks that
	// is Pass, or VerdictIncomplete when the run is not complete or when anything
	// in it went wrong.
	Verdict Verdict
	// Gate holds one entry for each check, in the order of the suite.
	Gate []CheckResult

	Cases  Counts
	Trials Counts
	// TrialsPerCase is K.
	TrialsPerCase int
	// Reduce is how they become one number; "" is the mean.
	Reduce string
	// Errors counts the trials without an answer, by kind.
	Errors map[ErrorKind]int64
	// Retries counts the calls of the app beyond the first of each trial.
	Retries int64
	// Abandoned counts the calls that ignored the end of their context and were
	// left behind in this process.
	Abandoned int64

	// Metrics are the evaluators' scores, sorted by name.
	Metrics []Metric
	// Latency is the app's, over the trials with an answer.
	Latency Latency
	Tokens  Tokens
	// CostUSD is the sum over the answers that have a cost; nil when none has.
	CostUSD *float64
	// CostUnknown counts the answers without a cost, when others have one.
	CostUnknown int64

	// Quarantine are the cases that were known to be flaky when the run began.
	Quarantine []Quarantined

	// Publish is set when results go to a platform.
	Publish *Publish
	// Warnings are sentences that belong beside the numbers.
	Warnings []string
}

// Metric gives the metric of that name, nil when there is none.
func (r *Report) Metric(name string) *Metric {
	for i := range r.Metrics {
		if r.Metrics[i].Name == name {
			return &r.Metrics[i]
		}
	}
	return nil
}

// AppErrors is how many trials got no answer.
func (r *Report) AppErrors() int64 {
	var n int64
	for _, c := range r.Errors {
		n += c
	}
	return n
}

// Quarantined is a case that passes now and fails then: it fails nothing by itself,
// and counts in the means like any other.
type Quarantined struct {
	// Case is its ID.
	Case string
	// Until is the last day of that in UTC: 2026-12-31.
	Until string
	// Reason is for whoever reads the report.
	Reason string
}

// Status tells whether a run came to its end.
type Status string

// The two states of a run that has stopped.
const (
	Complete   Status = "complete"
	Incomplete Status = "incomplete"
)

// Verdict is what a gate, or one check of it, decides.
type Verdict string

// The verdicts.
const (
	Pass              Verdict = "pass"
	Fail              Verdict = "fail"
	Inconclusive      Verdict = "inconclusive"
	VerdictIncomplete Verdict = "incomplete"
)

// CheckResult is what one check of the gate decided.
type CheckResult struct {
	// Check is the check as the suite has it: "equals.pass_rate >= 0.9".
	Check   string
	Verdict Verdict
	// Value is what was found; nil when nothing could be.
	Value *float64
	// Reason is a sentence with the numbers in it.
	Reason string
	// Comparisons are with a baseline, one for each metric that the check looks at;
	// nil for a check that needs none.
	Comparisons []Comparison
}

// Comparison is what a check found out about one metric against a baseline.
type Comparison struct {
	// Metric is the evaluator's, or latency or cost, whose values are ratios.
	Metric string
	// Base and New are the means over the pairs of cases.
	Base, New float64
	// Difference is New less Base, over the pairs; with Ratio it is the ratio of the
	// geometric means.
	Difference float64
	Ratio      bool
	// Interval is of Difference; nil when there are too few pairs.
	Interval *Interval
	// P is the evidence for what the check asks, adjusted for the number of metrics
	// where that is called for. Test names the test; "" when there was none.
	P    float64
	Test string
	// Pairs is how many cases there were in both runs; Worse and Better how many of
	// them went either way.
	Pairs, Worse, Better int64
	// Unknown counts the trials that could not be scored.
	Unknown int64
	// SmallestDrop is the smallest true drop that such a run shows with a power of
	// 80 %; nil when it can't be said.
	SmallestDrop *float64
	// Needed is about how many cases would show the effect that matters; 0 when
	// these do, or when none is named.
	Needed  int64
	Verdict Verdict
}

// Counts of cases or of trials. Errored ones are among the completed ones: a
// case is errored when any of its trials is, a trial when the app or an
// evaluator failed on it.
type Counts struct {
	Planned   int64
	Completed int64
	Errored   int64
}

// Metric is one evaluator's scores over the run.
type Metric struct {
	Name string
	// N is the number of cases that have at least one score.
	N int64
	// Scored and Unscored count trials: with a score, and with an error in place
	// of one. Trials that the app did not answer are in neither.
	Scored, Unscored int64
	// Mean is over the cases, each being the mean of its scored trials, or what the
	// run reduces them to. StdDev is
	// the sample standard deviation between the cases, 0 when N < 2.
	Mean, StdDev float64
	Min, Max     float64
	// Judged and Passed count the trials with a verdict, and those that passed.
	Judged, Passed int64
	// PassRate is over the cases like Mean; nil when no trial has a verdict.
	PassRate *float64
	// MeanBounds and PassBounds say how low and how high Mean and PassRate could
	// be for all trials, had every one been scored: a trial that the app did not
	// answer counts 0, one that the evaluator could not score counts 0 or 1.
	MeanBounds, PassBounds [2]float64
	// Interval is of PassRate where there is one, else of Mean; nil with fewer
	// than two cases. Package gate fills it in.
	Interval *Interval
}

// Interval is a confidence interval.
type Interval struct {
	Low, High float64
	// Level is the confidence, such as 0.95.
	Level float64
}

// Latency sums up durations. The quantiles are exact to one part in a thousand.
type Latency struct {
	N                   int64
	Mean, P50, P95, Max time.Duration
}

// Tokens are sums over the answers that count them.
type Tokens struct {
	Input, Output int64
	// Counted is how many answers count them.
	Counted int64
}

// Publish is what became of the results on a platform.
type Publish struct {
	Platform     string // "sgp"
	EvaluationID string
	Posted       int64
	Pending      int64
	Rejected     int64
	// Audit is what the platform was found to hold when all was posted; nil when
	// it was not asked, or could not say.
	Audit *Audit
	// Rejections are the first of the rejected results with the platform's words,
	// in the order of the source.
	Rejections []Receipt
	// Error is why posting stopped; "" when it did not.
	Error string
}

// Clean tells whether the platform has every result once and nothing else, as the
// audit has shown. It is true as well when there was nothing to post.
func (p Publish) Clean() bool {
	switch {
	case p.Pending > 0 || p.Rejected > 0 || p.Error != "":
		return false
	case p.Audit == nil:
		return p.Posted == 0
	}
	return p.Audit.Clean()
}
