// Command agent is a small agent to be tested: it reads what a customer wants, calls
// the tools of a shop, and says what came of it. It speaks JSON lines, and its replies
// have the calls.
//
//	echo '{"id": "1", "input": "Where is order 17?"}' | go run ./examples/tools/agent
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
)

// reply is one line of output.
type reply struct {
	ID     any    `json:"id"`
	Output string `json:"output"`
	Calls  []call `json:"tool_calls"`
}

// call is one call of a tool with what it gave.
type call struct {
	Name   string         `json:"name"`
	Args   map[string]any `json:"args"`
	Result any            `json:"result"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var request struct {
			ID    any    `json:"id"`
			Input string `json:"input"`
		}
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			log.Fatal(err)
		}
		a := agent{shop: shop(), calls: []call{}}
		r := reply{ID: request.ID, Output: a.serve(request.Input)}
		r.Calls = a.calls
		if err := out.Encode(r); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
