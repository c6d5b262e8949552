// Command app answers questions from a handbook: it retrieves the passages whose words
// are most like the question's, and answers with the sentence of them that is nearest.
// It speaks JSON lines, and its replies have the passages as chunks.
//
//	echo '{"id": "1", "input": "How long does delivery take?"}' | go run ./examples/rag/app
package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"log"
	"os"
)

//go:embed handbook.txt
var handbook string

// reply is one line of output.
type reply struct {
	ID     any     `json:"id"`
	Output string  `json:"output"`
	Chunks []chunk `json:"chunks"`
}

// chunk is a passage that the answer is to rest on.
type chunk struct {
	Text     string         `json:"text"`
	Metadata map[string]any `json:"metadata"`
}

func main() {
	shelf := newShelf(handbook)
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
		r := reply{ID: request.ID, Chunks: []chunk{}}
		found := shelf.retrieve(request.Input, 2)
		for _, p := range found {
			r.Chunks = append(r.Chunks, chunk{p.text, map[string]any{"passage": p.title}})
		}
		r.Output = shelf.answer(request.Input, found)
		if err := out.Encode(r); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
