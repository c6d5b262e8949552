package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// handler answers POST /answer with a body like {"question": "…"}, and GET /health
// when it is ready.
func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ready\n") })
	mux.HandleFunc("POST /answer", func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Question string `json:"question"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&request); err != nil {
			http.Error(w, "expected {\"question\": \"…\"}: "+err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"answer": answer(request.Question)})
	})
	return mux
}

// unit is something to measure with: so many of the base unit of its kind.
type unit struct {
	kind string
	size float64
}

func units() map[string]unit {
	return map[string]unit{
		"metre": {"length", 1}, "kilometre": {"length", 1000}, "mile": {"length", 1609.344}, "foot": {"length", 0.3048}, "inch": {"length", 0.0254},
		"gram": {"mass", 1}, "kilogram": {"mass", 1000}, "pound": {"mass", 453.59237}, "ounce": {"mass", 28.349523125},
		"litre": {"volume", 1}, "pint": {"volume", 0.473176473}, // the American one
	}
}

var question = regexp.MustCompile(`(?i)how many (\pL+) (?:(?:are|is|there|in|make) )+(?:an? )?(-?\d+(?:\.\d+)?)? ?(\pL+)`)

// answer understands "How many X are N Y?". It does not read numbers in words.
func answer(text string) string {
	m := question.FindStringSubmatch(text)
	if m == nil {
		return "I don't understand the question."
	}
	to, known := units()[singular(m[1])]
	from, other := units()[singular(m[3])]
	if !known || !other {
		return "I don't know these units."
	}
	if to.kind != from.kind {
		return fmt.Sprintf("A %s can't be measured in %s.", singular(m[3]), strings.ToLower(m[1]))
	}
	n, err := strconv.ParseFloat(m[2], 64)
	if err != nil { // "in a mile"
		n = 1
	}
	return fmt.Sprintf("%g %s are about %.4g.", n, strings.ToLower(m[3]), n*from.size/to.size)
}

func singular(word string) string {
	switch word = strings.ToLower(word); word {
	case "feet":
		return "foot"
	case "inches":
		return "inch"
	}
	return strings.TrimSuffix(word, "s")
}
