package suite

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness/strict"
)

// Publish says where results go besides the local store.
type Publish struct {
	// SGP is always set; it is the only platform so far.
	SGP *PublishSGP
}

// PublishSGP is an evaluation of Scale GP that results are posted to.
type PublishSGP struct {
	// EvaluationID is an evaluation that is there; "" when one is to be made.
	EvaluationID string
	// Evaluation is an evaluation to make for the run; nil when there is one.
	Evaluation *NewEvaluation
	// ApplicationSpecID is what the results belong to; "" means a new one, or
	// that of the evaluation.
	ApplicationSpecID string
	// Questions maps metrics to question IDs. The result of a metric that is not
	// in it goes under the metric's name.
	Questions map[string]string
	// QuietTime is how long after a request that broke off the platform may still
	// take what was in it; 2m unless the suite says otherwise, above 0. Only then
	// are results posted again that the evaluation does not have.
	QuietTime time.Duration
}

// NewEvaluation is an evaluation to make.
type NewEvaluation struct {
	Name, Description string
}

func (l *loader) publish() {
	if l.doc.Publish == nil || l.doc.Publish.SGP == nil {
		return
	}
	doc, at := l.doc.Publish.SGP, l.at("publish").Get("sgp")
	p := &PublishSGP{EvaluationID: doc.EvaluationID, ApplicationSpecID: doc.ApplicationSpecID}
	switch key, ok := l.oneOf(at, "publish.sgp", "evaluation_id", "evaluation"); {
	case !ok:
	case key == "evaluation_id" && strings.TrimSpace(p.EvaluationID) == "":
		l.fail(at.Get(key).Errorf("evaluation_id is empty"))
	case key == "evaluation" && doc.Evaluation == nil:
		l.fail(at.Get(key).Errorf("evaluation needs a name"))
	case key == "evaluation":
		p.Evaluation = &NewEvaluation{doc.Evaluation.Name, doc.Evaluation.Description}
	}
	if spec := at.Get("application_spec_id"); spec.Node != nil && strings.TrimSpace(p.ApplicationSpecID) == "" {
		l.fail(spec.Errorf("application_spec_id is empty"))
	}
	p.QuietTime = l.duration(at.Get("quiet_time"), "quiet_time", doc.QuietTime, 2*time.Minute)
	if d := l.suite.Dataset; d.SGP == nil || d.SGP.Version == 0 {
		e := l.root.Get("publish").Errorf("publish.sgp needs a dataset.sgp with a version: results on the platform belong to the cases of one")
		e.Hint = "evalrun dataset push uploads a file and publishes a version"
		l.fail(e)
	}
	l.questions(doc.Questions, p)
	l.suite.Publish = &Publish{SGP: p}
}

func (l *loader) questions(n strict.Node, p *PublishSGP) {
	if !n.Given() {
		return
	}
	if err := n.Decode(&p.Questions); err != nil {
		l.fail(err)
		return
	}
	for _, q := range n.Pairs() {
		name := q.Key.Value
		if !slices.Contains(l.suite.Metrics, name) && !l.unbuilt {
			l.fail(q.Key.Errorf("no evaluator gives the metric %s%s", strict.Quote(name), strict.Meant(name, l.suite.Metrics)))
		}
		if strings.TrimSpace(p.Questions[name]) == "" {
			l.fail(q.Value.Errorf("the question ID of %s is empty", strict.Quote(name)))
		}
	}
	byID := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(p.Questions)) {
		id := p.Questions[name]
		if other, twice := byID[id]; twice && id != "" {
			l.fail(n.Get(name).Errorf("question %s is given to both %s and %s", strict.Quote(id), other, name))
		}
		byID[id] = name
	}
}
