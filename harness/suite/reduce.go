package suite

import (
	"strconv"

	"github.com/evalrun/evalrun/harness/reduce"
)

// reduce reads "median" or {pass_at_k: 3}.
func (l *loader) reduce() {
	n := l.doc.Reduce
	if !n.Given() {
		return
	}
	name, k := n.Value, 0
	if pairs := n.Pairs(); len(pairs) == 1 {
		name = pairs[0].Key.Value
		var err error
		if k, err = strconv.Atoi(pairs[0].Value.Value); err != nil {
			l.fail(pairs[0].Value.Errorf("reduce: expected a whole number after %s", name))
			return
		}
	} else if !n.IsScalar() {
		l.fail(n.Errorf("reduce: expected a name such as median, or one with its k such as {pass_at_k: 3}"))
		return
	}
	r, err := reduce.New(name, k, l.suite.Trials)
	if err != nil {
		l.fail(n.Errorf("reduce: %v", err))
		return
	}
	l.suite.Reduce = r
}
