// Command bot is the app under test: it knows the capitals that capitals.txt has.
// It answers JSON lines on standard input, {"id": …, "input": "…"}, with JSON
// lines, {"id": …, "output": "…"}.
package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"log"
	"os"
	"strings"
)

//go:embed capitals.txt
var capitals string

func main() {
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for in.Scan() {
		var request struct{ ID, Input string }
		if err := json.Unmarshal(in.Bytes(), &request); err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(map[string]string{"id": request.ID, "output": answer(request.Input)}); err != nil {
			log.Fatal(err)
		}
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}

func answer(question string) string {
	for line := range strings.Lines(capitals) {
		country, capital, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && strings.Contains(question, country) {
			return "It is " + capital + "."
		}
	}
	return "I don't know."
}
