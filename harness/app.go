package harness

import (
	"context"
	"encoding/json"
	"time"
)

// App is the app under test: it answers one input.
//
// Respond is called from many goroutines at once. It should return soon after
// ctx ends; one that does not is abandoned: its slot is freed, the trial is an
// error and Report.Abandoned counts it. An error means that there is no answer
// (see Error for the kinds); a wrong answer is an Output.
type App interface {
	Respond(ctx context.Context, in Input) (Output, error)
}

// AppFunc makes an App of a function.
type AppFunc func(ctx context.Context, in Input) (Output, error)

// Respond calls f.
func (f AppFunc) Respond(ctx context.Context, in Input) (Output, error) { return f(ctx, in) }

// TextApp makes an App of a function from text to text.
func TextApp(f func(ctx context.Context, input string) (string, error)) App {
	return AppFunc(func(ctx context.Context, in Input) (Output, error) {
		text, err := f(ctx, in.Text())
		return Output{Value: text}, err
	})
}

// TypedApp makes an App of a function over Go types of your own: the case's
// input is decoded from JSON into In, and the Out that it returns becomes the
// structured output. An input that does not decode is a permanent error.
func TypedApp[In, Out any](f func(ctx context.Context, in In) (Out, error)) App {
	return AppFunc(func(ctx context.Context, in Input) (Output, error) {
		var typed In
		data, err := json.Marshal(in.Value)
		if err == nil {
			err = json.Unmarshal(data, &typed)
		}
		if err != nil {
			return Output{}, &Error{Kind: KindApp, Message: "input does not fit the app's type: " + err.Error(), Permanent: true}
		}
		out, err := f(ctx, typed)
		if err != nil {
			return Output{}, err
		}
		value, err := toJSONValue(out)
		return Output{Value: value}, err
	})
}

// Input is what an app gets of a case. The expected answer is not in it. Value,
// History and Metadata are the case's own: an app must not change them.
type Input struct {
	// ID is the case's ID.
	ID string `json:"id"`
	// Value is the case's input: a string, or a JSON object (map[string]any).
	Value any `json:"input"`
	// History is the conversation before this input; nil when there is none.
	History any `json:"history,omitempty"`
	// Metadata is the case's.
	Metadata map[string]any `json:"metadata,omitempty"`
	// Trial is the attempt at this case, from 1.
	Trial int `json:"trial,omitempty"`
	// Seed differs per case and trial and follows from the run's seed: an app
	// that samples can use it to be repeatable. It is never negative.
	Seed int64 `json:"seed,omitempty"`
}

// Text is the input as text: a string as it is, anything else as compact JSON.
func (in Input) Text() string { return textOf(in.Value) }

// Output is what an app answered.
type Output struct {
	// Value is the answer: a string, or any JSON value when it is structured.
	Value any `json:"value"`
	// Chunks are the passages that a retrieval found, best first.
	Chunks []Chunk `json:"chunks,omitempty"`
	// ToolCalls are the calls that an agent made, in order.
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
	// Usage counts tokens; nil when the app does not say.
	Usage *Usage `json:"usage,omitempty"`
	// CostUSD is the price of this answer in US dollars; nil when unknown.
	CostUSD *float64 `json:"cost_usd,omitempty"`
	// Metadata is free: model name, finish reason, request ID.
	Metadata map[string]any `json:"metadata,omitempty"`
	// Took, above 0, is the Result's Latency in the place of the time that the call
	// took: of an answer that was recorded, say.
	Took time.Duration `json:"-"`
}

// Text is the answer as text: a string as it is, nil as "", anything else as
// compact JSON.
func (o Output) Text() string { return textOf(o.Value) }

// Chunk is one retrieved passage.
type Chunk struct {
	Text     string         `json:"text"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// ToolCall is one call of a tool by an agent.
type ToolCall struct {
	Name   string         `json:"name"`
	Args   map[string]any `json:"args,omitempty"`
	Result any            `json:"result,omitempty"`
}

// Usage counts the tokens of one answer.
type Usage struct {
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

// Pacer says when calls of the app may be made, and learns from what becomes of
// them. It is used by many goroutines at once.
type Pacer interface {
	// Acquire returns when one more call may be made. That time is not part of the
	// call's time limit. An error other than ctx's means that no call may be made
	// any more: the run stops with it as the reason, and trials that have no
	// outcome yet are not recorded.
	//
	// done is called once when the call has ended, with its error or nil. When it
	// says again, the call was refused: it counts for nothing, and is made again
	// after another Acquire. A trial that is refused more than five times while ten
	// others get answers fails like any other from then on.
	Acquire(ctx context.Context) (done func(err error) (again bool), err error)
}

// Limiter holds calls back. A *rate.Limiter of golang.org/x/time/rate is one.
type Limiter interface {
	// Wait returns when one more call may start, or with ctx's error.
	Wait(ctx context.Context) error
}

// Limited makes a Pacer of a Limiter.
func Limited(l Limiter) Pacer { return limited{l} }

type limited struct{ Limiter }

func (l limited) Acquire(ctx context.Context) (func(error) bool, error) {
	return func(error) bool { return false }, l.Wait(ctx)
}

// Retry says when a failed call of the app is made again. Only failures are: an
// error that says it is permanent, a timeout, a panic and a low score are not.
type Retry struct {
	// Max is how many times a failed call is made again. 0: never.
	Max int
	// Wait is the pause before the first retry; it doubles for each further one,
	// less a random part of up to a quarter. Default 500ms.
	Wait time.Duration
	// MaxWait caps the pause, default 8s. An error that asks for a longer pause
	// (RetryAfter) gets it up to RetryAfterCap; beyond that the trial fails now.
	MaxWait time.Duration
	// RetryAfterCap is the longest pause that a server may ask for, default 60s.
	RetryAfterCap time.Duration
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	data, err := marshalPlain(v)
	if err != nil {
		return ""
	}
	return string(data)
}
