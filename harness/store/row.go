package store

import (
	"time"

	"github.com/evalrun/evalrun/harness"
)

// The flags of a result, for finding it without reading it.
const (
	flagAppError       = 1 << iota // the app gave no answer
	flagEvaluatorError             // some evaluator gave no score
	flagFailed                     // some score says that the answer is wrong
	flagPending                    // there is an answer, and no score yet; alone

	flagErrored = flagAppError | flagEvaluatorError
)

func flagsOf(r harness.Result) int64 {
	var flags int64
	if r.Pending {
		return flagPending
	}
	if r.Error != nil {
		flags |= flagAppError
	}
	if c := (harness.Result{Scores: r.Scores}); c.Errored() {
		flags |= flagEvaluatorError
	}
	if r.Failed() {
		flags |= flagFailed
	}
	return flags
}

// decodeCase reads the JSON of a case into c.
func decodeCase(data []byte, c *harness.Case) error {
	d := decoder{data: data}
	d.expect('{')
	for i := 0; d.next(i, '}'); i++ {
		switch string(d.name()) {
		case "input":
			c.Input = d.value(0)
		case "expected":
			c.Expected = d.value(0)
		case "extra":
			c.Extra = d.value(0)
		case "history":
			c.History = d.value(0)
		case "metadata":
			c.Metadata = d.object(0)
		case "cluster":
			c.Cluster = d.string()
		default:
			d.value(0)
		}
	}
	return d.end()
}

// decodeAnswer reads all of a result but its case, trial and scores.
func decodeAnswer(data []byte, r *harness.Result) error {
	d := decoder{data: data}
	d.expect('{')
	for i := 0; d.next(i, '}'); i++ {
		switch string(d.name()) {
		case "attempts":
			r.Attempts = int(d.integer())
		case "latency_ns":
			r.Latency = time.Duration(d.integer())
		case "started_ns":
			r.Started = time.Unix(0, d.integer()).UTC()
		case "error":
			r.Error = d.trouble()
		case "output":
			r.Output = d.output()
		default:
			d.value(0)
		}
	}
	return d.end()
}

func (d *decoder) output() *harness.Output {
	o := &harness.Output{}
	d.expect('{')
	for i := 0; d.next(i, '}'); i++ {
		switch string(d.name()) {
		case "value":
			o.Value = d.value(0)
		case "chunks":
			d.expect('[')
			for n := 0; d.next(n, ']'); n++ {
				o.Chunks = append(o.Chunks, d.chunk())
			}
		case "tool_calls":
			d.expect('[')
			for n := 0; d.next(n, ']'); n++ {
				o.ToolCalls = append(o.ToolCalls, d.toolCall())
			}
		case "usage":
			o.Usage = &harness.Usage{}
			d.expect('[')
			o.Usage.InputTokens = d.integer()
			d.expect(',')
			o.Usage.OutputTokens = d.integer()
			d.expect(']')
		case "cost_usd":
			cost := d.float()
			o.CostUSD = &cost
		case "metadata":
			o.Metadata = d.object(0)
		default:
			d.value(0)
		}
	}
	return o
}

func (d *decoder) chunk() harness.Chunk {
	var c harness.Chunk
	d.expect('{')
	for i := 0; d.next(i, '}'); i++ {
		switch string(d.name()) {
		case "text":
			c.Text = d.string()
		case "metadata":
			c.Metadata = d.object(0)
		default:
			d.value(0)
		}
	}
	return c
}

func (d *decoder) toolCall() harness.ToolCall {
	var c harness.ToolCall
	d.expect('{')
	for i := 0; d.next(i, '}'); i++ {
		switch string(d.name()) {
		case "name":
			c.Name = d.string()
		case "args":
			c.Args = d.object(0)
		case "result":
			c.Result = d.value(0)
		default:
			d.value(0)
		}
	}
	return c
}

func (d *decoder) trouble() *harness.Error {
	t := &harness.Error{}
	d.expect('{')
	for i := 0; d.next(i, '}'); i++ {
		switch string(d.name()) {
		case "kind":
			t.Kind = harness.ErrorKind(d.string())
		case "message":
			t.Message = d.string()
		case "stack":
			t.Stack = d.string()
		case "status":
			t.Status = int(d.integer())
		case "permanent":
			t.Permanent = d.bool()
		default:
			d.value(0)
		}
	}
	return t
}

// decodeScores reads the list of scores; no data means none.
func decodeScores(data []byte, r *harness.Result) error {
	if len(data) == 0 {
		return nil
	}
	d := decoder{data: data}
	d.expect('[')
	for n := 0; d.next(n, ']'); n++ {
		var s harness.Score
		d.expect('{')
		for i := 0; d.next(i, '}'); i++ {
			switch string(d.name()) {
			case "name":
				s.Name = d.string()
			case "value":
				s.Value = d.float()
			case "pass":
				pass := d.bool()
				s.Pass = &pass
			case "reason":
				s.Reason = d.string()
			case "error":
				s.Error = d.trouble()
			case "metadata":
				s.Metadata = d.object(0)
			default:
				d.value(0)
			}
		}
		r.Scores = append(r.Scores, s)
	}
	return d.end()
}
