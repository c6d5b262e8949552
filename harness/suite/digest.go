package suite

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/strict"
)

// digest takes the digests of how the evaluators and apps are written. Values of
// the environment are in them by name.
func (l *loader) digest() {
	l.suite.digests = map[string]string{}
	for i, n := range l.root.Get("evaluators").Items() {
		l.suite.digests["evaluator "+strconv.Itoa(i)] = digestOf(n)
	}
	if n := l.root.Get("app"); n.Given() {
		l.suite.digests["app"] = digestOf(n)
	}
	for _, p := range l.root.Get("apps").Pairs() {
		l.suite.digests["app "+p.Key.Value] = digestOf(p.Value)
	}
}

// digestOf is 16 hexadecimal digits of the SHA-256 of a node, however it is laid
// out.
func digestOf(n strict.Node) string {
	n.Node = unquoted(n.Node)
	sum := sha256.Sum256([]byte(n.Flow()))
	return hex.EncodeToString(sum[:8])
}

// engineDigest is the digest of a response engine, with its version in words behind:
// what is compared may be two versions, whose number a suite takes from the
// environment.
func engineDigest(e retell.ResponseEngine) string {
	sum := sha256.Sum256([]byte(e.Name()))
	digest := hex.EncodeToString(sum[:8])
	if e.Version != nil {
		digest += fmt.Sprintf(" version %d", *e.Version)
	}
	return digest
}

// unquoted is a node with quotes only where its texts would mean something else
// without.
func unquoted(n *yaml.Node) *yaml.Node {
	c := *n
	c.Style &^= yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = unquoted(child)
	}
	return &c
}

// Digests say what the scores of a run with one of the apps depend on: "evaluator
// METRIC" for each evaluator, and "app". Two suites with the same digest of an
// evaluator have it with the same options.
func (s *Suite) Digests(app string) map[string]string {
	out := map[string]string{}
	for i, metric := range s.Metrics {
		if d := s.digests["evaluator "+strconv.Itoa(i)]; d != "" { // none of an evaluator that is a Go value
			out["evaluator "+metric] = d
		}
	}
	for _, key := range []string{"app", "app " + app} {
		if d := s.digests[key]; d != "" {
			out["app"] = d
		}
	}
	return out
}
