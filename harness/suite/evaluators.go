package suite

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/strict"
)

// evaluators builds each evaluator once, to see that it can be and to learn the
// names of the metrics.
func (l *loader) evaluators() {
	if l.doc.Retell != nil {
		l.addRetell()
	}
	if len(l.doc.Evaluators) == 0 {
		l.fail(l.at("evaluators").Errorf("a suite needs at least one evaluator"))
		return
	}
	l.suite.evaluators = l.doc.Evaluators
	env := evaluator.Env{Dir: l.suite.Dir, Concurrency: 1}
	first := map[string]strict.Node{}
	for _, n := range l.doc.Evaluators {
		e, err := l.suite.evaluator(n, env)
		if err != nil {
			l.unbuilt = true
			l.fail(placed(n, err))
			continue
		}
		name := e.Name()
		if was, twice := first[name]; twice {
			err := n.Errorf("two evaluators give the metric %s; the first one is at %d:%d", strict.Quote(name), was.Line, was.Column)
			err.Hint = "the option name gives one of them another name"
			l.fail(err)
		} else {
			first[name] = n
			l.suite.Metrics = append(l.suite.Metrics, name)
		}
		l.fail(placed(n, closeAll(e)))
	}
}

// BuildEvaluators builds the suite's evaluators. The env's Dir is the suite's
// folder and its Concurrency the suite's unless they are set. Those that are an
// io.Closer have to be closed.
func (s *Suite) BuildEvaluators(env evaluator.Env) ([]harness.Evaluator, error) {
	if env.Dir == "" {
		env.Dir = s.Dir
	}
	if env.Concurrency == 0 {
		env.Concurrency = s.Concurrency
	}
	var built []harness.Evaluator
	for _, n := range s.evaluators {
		e, err := s.evaluator(n, env)
		if err != nil {
			return nil, errors.Join(scrub(placed(n, err), s.Secrets), closeAll(built...))
		}
		built = append(built, e)
	}
	for _, e := range s.values.Evaluators {
		built = append(built, borrowedEvaluator{e})
	}
	return built, nil
}

// addRetell adds the verdict of Retell to the evaluators, unless it is named.
func (l *loader) addRetell() {
	for _, n := range l.doc.Evaluators {
		if isRetell(n) {
			return
		}
	}
	at := l.at("retell")
	n := strict.Node{File: at.File, Node: &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: retell.Metric, Line: at.Line, Column: at.Column}}
	l.suite.digests["evaluator "+strconv.Itoa(len(l.doc.Evaluators))] = digestOf(n)
	l.doc.Evaluators = append(l.doc.Evaluators, n)
}

func isRetell(n strict.Node) bool {
	return n.Node != nil && n.Kind == yaml.ScalarNode && n.Value == retell.Metric
}

// evaluator builds an evaluator; that of Retell is for suites that have its section.
func (s *Suite) evaluator(n strict.Node, env evaluator.Env) (harness.Evaluator, error) {
	if s.Retell != nil && isRetell(n) {
		return retell.Evaluator{}, nil
	}
	return s.registry.Build(n, env)
}

func closeAll(evaluators ...harness.Evaluator) error {
	var errs []error
	for _, e := range evaluators {
		if c, ok := e.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// gate reads the checks; each has to name metrics that there are.
func (l *loader) gate() {
	for _, n := range l.doc.Gate {
		if !n.Given() {
			l.fail(n.Errorf("expected a check such as equals.pass_rate >= 0.9, found nothing"))
			continue
		}
		check, err := gate.FromNode(n)
		if err != nil {
			l.fail(err)
			continue
		}
		if check.Quarantine != nil {
			l.fail(n.Errorf("quarantine stands beside gate, not in it"))
			continue
		}
		l.suite.Gate = append(l.suite.Gate, check)
		for _, name := range check.Missing(l.suite.Metrics) {
			l.unknownMetric(n, check, name)
		}
		for _, name := range check.Baselines() {
			if !strings.HasSuffix(name, ".json") {
				continue
			}
			if err := l.suite.folder.output(n, name); err != nil { // the file may be written later
				l.fail(err)
			}
		}
	}
}

// quarantine adds the flaky cases to the gate. Where the cases stand in the suite,
// it looks for them and counts them.
func (l *loader) quarantine() {
	n := l.doc.Quarantine
	if !n.Given() {
		return
	}
	check, err := gate.QuarantineOf(n)
	if err != nil {
		l.fail(err)
		return
	}
	if len(l.doc.Gate) == 0 {
		l.fail(l.at("quarantine").Errorf("without a gate there is nothing that cases in quarantine could fail"))
		return
	}
	var ids []string
	for _, c := range l.suite.Dataset.Cases {
		ids = append(ids, c.ID)
	}
	for i, q := range check.Quarantine {
		if len(ids) > 0 && !slices.Contains(ids, q.Case) {
			l.fail(n.Items()[i].Get("case").Errorf("the suite has no case %s%s", strict.Quote(q.Case), strict.Meant(q.Case, ids)))
		}
	}
	if most := gate.QuarantineLimit(int64(len(ids))); len(ids) > 0 && int64(len(check.Quarantine)) > most {
		l.fail(n.Errorf("%d of %d cases are in quarantine; 5%% may be, which is %d", len(check.Quarantine), len(ids), most))
	}
	l.suite.Gate = append(l.suite.Gate, check)
}

// unknownMetric complains about a metric that no evaluator gives.
func (l *loader) unknownMetric(n strict.Node, check gate.Check, name string) {
	if l.unbuilt {
		return
	}
	meant := strict.Meant(name, l.suite.Metrics)
	if check.Stat != "" {
		meant = strict.Meant(name+"."+check.Stat, gate.Metrics(l.suite.Metrics...))
	}
	e := n.Errorf("check %s: no evaluator gives the metric %s%s", strict.Quote(check.Text), strict.Quote(name), meant)
	e.Hint = "metrics: " + strings.Join(append(slices.Clone(l.suite.Metrics), "latency", "errors", "cost", "tokens", "cases"), ", ")
	l.fail(e)
}
