package tcpfaults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp"
)

// How long one call may take: where it should succeed, and where it can't. On a
// busy machine slack may come on top.
const (
	patient   = 30 * time.Second
	impatient = 300 * time.Millisecond
	slack     = 10 * time.Second
)

// batch posts one result for each of the platform's cases, by a client of its
// own that tries once.
func (p *platform) batch(patience time.Duration) error {
	client := p.client(p.link.url(), patience)
	items := make([]sgp.TestCaseResultRequest, len(p.cases))
	for i, c := range p.cases {
		items[i] = sgp.TestCaseResultRequest{
			ApplicationSpecID: p.spec, EvaluationDatasetVersionNum: "1", TestCaseID: c.ID,
			TestCaseEvaluationData: sgp.TestCaseEvaluationData{GenerationOutput: "an answer"},
		}
	}
	began := time.Now()
	_, err := client.BatchCreateResults(p.t.Context(), p.evaluation.ID, items)
	assert.Less(p.t, time.Since(began), patience+slack)
	require.NoError(p.t, client.Close())
	return err
}

// TestBatchThroughFaults posts one batch: what is certain about it has to be
// true, and a call ends in time.
func TestBatchThroughFaults(t *testing.T) {
	const (
		posted   = "posted"
		inDoubt  = "in doubt"
		notTaken = "certainly not taken"
	)
	for name, tc := range map[string]struct {
		faults   []fault
		patience time.Duration
		want     string
		there    bool // the platform has it
	}{
		"no fault":                   {nil, patient, posted, true},
		"latency":                    {[]fault{latency(requests, 20, 15), latency(answers, 20, 15)}, patient, posted, true},
		"slow":                       {[]fault{bandwidth(requests, 50), bandwidth(answers, 50)}, patient, posted, true},
		"sliced":                     {[]fault{slices(requests, 20, 50), slices(answers, 20, 50)}, patient, posted, true},
		"closed late":                {[]fault{slowClose(requests, 100), slowClose(answers, 100)}, patient, posted, true},
		"a byte now and then":        {[]fault{slices(answers, 1, 20000)}, impatient, inDoubt, true},
		"the request stalls":         {[]fault{stall(requests, 0)}, impatient, inDoubt, false},
		"the answer stalls":          {[]fault{stall(answers, 0)}, impatient, inDoubt, true},
		"the request stalls, closed": {[]fault{stall(requests, 50)}, patient, inDoubt, false},
		"the answer stalls, closed":  {[]fault{stall(answers, 2000)}, patient, inDoubt, true},
		"the request is reset":       {[]fault{resets(requests, 0)}, patient, inDoubt, false},
		"the answer is reset":        {[]fault{resets(answers, 0)}, patient, inDoubt, true},
		"down":                       {[]fault{}, patient, notTaken, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t, 2)
			p.link.reset(tc.faults...)
			if tc.want == notTaken {
				p.link.down()
			}
			err := p.batch(tc.patience)
			got := posted
			switch {
			case sgp.Ambiguous(err):
				got = inDoubt
			case err != nil:
				got = notTaken
			}
			assert.Equal(t, tc.want, got, "%v", err)
			if tc.there {
				require.Eventually(t, func() bool { return len(p.results(p.evaluation.ID)) == len(p.cases) }, patient, 10*time.Millisecond)
			} else {
				assert.Empty(t, p.results(p.evaluation.ID))
			}
		})
	}
}

// TestAnswerCutAtEveryByte cuts the answer to a batch after every number of
// bytes, in the status line, the headers and the body: it is in doubt each time,
// never posted, until the answer is whole.
func TestAnswerCutAtEveryByte(t *testing.T) {
	p := newPlatform(t, 2)
	for n := 0; ; n++ {
		require.Less(t, n, 10000)
		p.link.reset(cut(answers, n))
		err := p.batch(patient)
		if err == nil {
			assert.Greater(t, n, 500, "an answer has headers and two results")
			t.Logf("the platform's answer to a batch cut at each of %d bytes: in doubt each time", n)
			break
		}
		require.True(t, sgp.Ambiguous(err), "cut after %d bytes: %v", n, err)
	}
}

// TestRequestCutAtEveryByte does the same to the request: the platform takes
// nothing of a batch that has not arrived whole.
func TestRequestCutAtEveryByte(t *testing.T) {
	p := newPlatform(t, 2)
	for n := 0; ; n++ {
		require.Less(t, n, 10000)
		p.link.reset(cut(requests, n))
		err := p.batch(patient)
		if len(p.results(p.evaluation.ID)) > 0 {
			assert.Greater(t, n, 300, "a request has headers and two results")
			t.Logf("a batch cut at each of %d bytes: nothing of it taken, in doubt each time", n)
			break
		}
		require.True(t, sgp.Ambiguous(err), "cut after %d bytes: %v", n, err)
	}
}
