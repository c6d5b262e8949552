package suite

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/strict"
)

// loader makes a Suite of a document, and collects what is wrong with it.
type loader struct {
	options Options
	root    strict.Node
	doc     document
	suite   *Suite
	errs    []error
	unbuilt bool // an evaluator is wrong, so that not all metrics are known
}

func (l *loader) fail(errs ...error) { l.errs = append(l.errs, errs...) }

// at is the place of a key of the suite.
func (l *loader) at(key string) strict.Node {
	if n := l.root.Get(key); n.Node != nil {
		return n
	}
	return l.root
}

// load goes through the file in two steps: what is written, then what it means.
// When the first finds something, the second is only about the sections that are
// there and free of errors, so that a misspelled key does not give an error about
// a missing one as well.
func (l *loader) load() error {
	if isDefinitions(l.root) {
		e := l.root.Errorf("these are test cases of Retell, and no suite")
		e.Hint = "evalrun retell push FILE sends them; a suite plays them by retell: {response_engine: {…}, test_cases: {file: …}}"
		return e
	}
	l.digest() // before values come in from the environment
	env := environment{getenv: l.options.Getenv}
	env.suite(l.root)
	l.suite.Secrets = env.secrets
	for _, name := range []string{"SGP_API_KEY", "RETELL_API_KEY"} {
		if key, _ := l.options.Getenv(name); key != "" && !slices.Contains(l.suite.Secrets, key) {
			l.suite.Secrets = append(l.suite.Secrets, key)
		}
	}
	l.fail(env.errs...)
	l.fail(l.decode(strict.Flatten(strict.Join(env.errs...))))
	if err := strict.Join(l.errs...); err != nil {
		l.sound(strict.Flatten(err))
		return strict.Join(l.errs...)
	}
	l.name()
	l.numbers()
	l.retell()
	l.dataset()
	l.apps()
	l.start()
	l.evaluators()
	l.publish()
	l.gate()
	l.quarantine()
	l.reports()
	return strict.Join(l.errs...)
}

// isDefinitions tells the files of evalrun retell push, which have these keys alone.
func isDefinitions(root strict.Node) bool {
	for _, p := range root.Pairs() {
		if p.Key.Value != "test_cases" && p.Key.Value != "response_engine" {
			return false
		}
	}
	return root.Get("test_cases").Given()
}

// sound checks the sections that none of the errors is about.
func (l *loader) sound(errs strict.Errors) {
	checks := map[string]func(){
		"dataset": l.dataset, "retell": l.retell, "app": l.apps, "apps": l.apps, "start": l.start, "evaluators": l.evaluators, "reports": l.reports,
	}
	sections := l.root.Pairs()
	for i, p := range sections {
		end := math.MaxInt
		if i+1 < len(sections) {
			end = sections[i+1].Key.Line
		}
		wrong := func(e *strict.Error) bool { return e.Line == p.Key.Line || e.Line > p.Key.Line && e.Line < end }
		if check := checks[p.Key.Value]; check != nil && p.Value.Given() && !slices.ContainsFunc(errs, wrong) {
			check()
		}
	}
}

// decode reads the document. An error at a place that has one already is left
// out.
func (l *loader) decode(known strict.Errors) error {
	var errs []error
	dataset := l.root.Get("dataset")
	for _, e := range strict.Flatten(l.root.Decode(&l.doc)) {
		if slices.ContainsFunc(known, func(k *strict.Error) bool { return k.Line == e.Line && k.Column == e.Column }) {
			continue
		}
		if gate := l.root.Get("gate"); len(gate.Pairs()) > 0 && e.Line == gate.Line && e.Column == gate.Column {
			e.Hint = "checks are a list of texts, such as - " + gate.Pairs()[0].Key.Value + ".pass_rate >= 0.9"
		}
		if dataset.Node != nil && dataset.Kind == yaml.ScalarNode && e.Line == dataset.Line && e.Column == dataset.Column {
			e.Hint = "a dataset is {file: path}, {cases: […]} or {sgp: {…}}"
		}
		if l.root.Get("retell").Given() && (e.Message == `"dataset" is missing` || e.Message == `"evaluators" is missing`) {
			continue // it stands for both
		}
		if l.options.GoSource && e.Message == `"dataset" is missing` {
			continue
		}
		errs = append(errs, e)
	}
	return strict.Join(errs...)
}

func (l *loader) name() {
	l.suite.Name, l.suite.Description = l.doc.Name, l.doc.Description
	switch name := l.doc.Name; {
	case strings.TrimSpace(name) == "":
		l.fail(l.at("name").Errorf("the suite's name is empty"))
	case utf8.RuneCountInString(name) > 200:
		l.fail(l.at("name").Errorf("the suite's name is longer than 200 characters"))
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		l.fail(l.at("name").Errorf("the suite's name has a line break or a character that can't be seen"))
	}
}

func (l *loader) numbers() {
	s, d := l.suite, l.doc
	s.Trials = l.whole("trials", d.Trials, 1, 1, 10_000)
	l.reduce()
	s.Concurrency = l.whole("concurrency", d.Concurrency, 16, 1, 10_000)
	s.Retries = l.whole("retries", d.Retries, 2, 0, 100)
	s.Timeout = l.duration(l.at("timeout"), "timeout", d.Timeout, 30*time.Second)
	s.MaxRetryElapsed = l.duration(l.at("max_retry_elapsed"), "max_retry_elapsed", d.MaxRetryElapsed, 5*time.Minute)
	s.Sample, s.Seed = 1, d.Seed
	if d.Sample != nil {
		if s.Sample = *d.Sample; s.Sample <= 0 || s.Sample > 1 {
			e := l.at("sample").Errorf("sample is %v; expected a fraction above 0 and at most 1", s.Sample)
			if s.Sample > 1 {
				e.Hint = fmt.Sprintf("a percentage is written %v%%; for a number of cases there is the flag --limit", s.Sample)
			}
			l.fail(e)
		}
	}
	if d.RateLimit != nil {
		s.RateLimit = float64(*d.RateLimit)
	}
}

// whole is a number of the suite, or what it is when it is not given.
func (l *loader) whole(key string, v *int, otherwise, low, high int) int {
	if v == nil {
		return otherwise
	}
	if *v < low || *v > high {
		l.fail(l.at(key).Errorf("%s is %d; expected %d to %d", key, *v, low, high))
	}
	return *v
}

func (l *loader) duration(at strict.Node, key string, v *time.Duration, otherwise time.Duration) time.Duration {
	if v == nil {
		return otherwise
	}
	if *v <= 0 {
		l.fail(at.Errorf("%s is %v; expected more than 0", key, *v))
	}
	return *v
}

// placed gives an error a place, unless it has one.
func placed(n strict.Node, err error) error {
	var e *strict.Error
	if err == nil || errors.As(err, &e) && e.Line > 0 {
		return err
	}
	return n.Errorf("%v", err)
}

// oneOf is the key of a map that is given, out of several of which one has to
// be; ok is false after an error.
func (l *loader) oneOf(at strict.Node, what string, keys ...string) (key string, ok bool) {
	var first strict.Pair
	for _, p := range at.Pairs() {
		for _, k := range keys {
			if p.Key.Value != k {
				continue
			}
			if first.Key.Node != nil {
				l.fail(p.Key.Errorf("%s has both %s (%d:%d) and %s (%d:%d); keep one of them", what,
					first.Key.Value, first.Key.Line, first.Key.Column, k, p.Key.Line, p.Key.Column))
				return "", false
			}
			first = p
		}
	}
	if first.Key.Node == nil {
		l.fail(at.Errorf("%s needs one of %s", what, list(keys)))
		return "", false
	}
	return first.Key.Value, true
}

// list is "a, b or c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return fmt.Sprintf("%s or %s", strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
}
