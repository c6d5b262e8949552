package process_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/evalrun/evalrun/harness/process"
)

func ExampleRun() {
	sorted, err := process.Run(context.Background(), process.Command{Argv: []string{"sort"}}, []byte("b\na\n"))
	fmt.Println(strings.Fields(string(sorted)), err)
	// Output: [a b] <nil>
}

func ExamplePool() {
	// cat is a worker of few words: the request is the reply.
	pool := process.NewPool(process.Command{Argv: []string{"cat"}}, 2)
	defer pool.Close()
	reply, err := pool.Call(context.Background(), []byte(`{"id":"1","input":"hi"}`))
	fmt.Println(string(reply), err)
	// Output: {"id":"1","input":"hi"} <nil>
}
