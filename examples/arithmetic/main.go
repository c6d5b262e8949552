// Command arithmetic is a small app to be tested: it answers what it can compute.
// It evaluates expressions of truth values and of whole numbers, and guesses at
// word problems from their numbers and a few telling words, which is right for
// a few in a hundred. It never asks a model.
//
//	echo '{"id": "1", "input": "((-1 + 2 + 9 * 5) - (-2 + -4)) ="}' | go run ./examples/arithmetic
//	go run ./examples/arithmetic -addr 127.0.0.1:8080
//
// To have something to find for an eval, ARITHMETIC_BUG=whole makes divisions drop
// what is behind the point, and ARITHMETIC_SLIPS=0.03 with ARITHMETIC_SEED=1 gets
// three expressions in a hundred wrong by one.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/evalrun/evalrun/examples/internal/serve"
)

func main() {
	f, err := faultsOf(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ARITHMETIC_SLIPS:", err)
		os.Exit(2)
	}
	os.Exit(serve.Main(f.answer))
}

// answer tries what the question could be, the most certain first.
func (f faults) answer(_ context.Context, question string) serve.Reply {
	if v, ok := logic(question); ok {
		if v {
			return serve.Reply{Output: "True"}
		}
		return serve.Reply{Output: "False"}
	}
	if v, ok := arithmetic(question, f.divide); ok {
		return serve.Reply{Output: number(f.slip(question, v))}
	}
	if v, ok := wordProblem(question); ok {
		return serve.Reply{Output: number(v)}
	}
	return serve.Reply{Output: "I can't compute that."}
}
