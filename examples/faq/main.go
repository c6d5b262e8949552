// Command faq is a small app to be tested: it answers the questions of a shop's
// customers from a list of questions and answers, by how many telling words they
// share, and says that it doesn't know when they share too few. It is right most
// of the time.
//
//	echo '{"id": "1", "input": "How long does delivery take?"}' | go run ./examples/faq
//	go run ./examples/faq -addr 127.0.0.1:8080
package main

import (
	_ "embed"
	"os"

	"github.com/evalrun/evalrun/examples/internal/serve"
)

//go:embed knowledge.txt
var knowledge string

func main() {
	os.Exit(serve.Main(newIndex(parse(knowledge)).answer))
}
