package dataset_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evalrun/evalrun/harness/dataset"
	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPublicDatasets(t *testing.T) {
	tests := []struct {
		file            string
		mapping         map[string]string
		items           string
		rows            int
		id              string
		input, expected string // how the first case's begin
	}{
		{"gsm8k_test.jsonl", nil, "", 1319, "1", "Janet\u2019s ducks lay 16 eggs per day.", "Janet sells 16 - 3 - 4"},
		{"gsm8k_test.jsonl", map[string]string{"expected": `.answer | split("#### ")[1]`}, "", 1319, "1", "Janet\u2019s ducks", "18"},
		{"TruthfulQA.csv", map[string]string{"input": "Question", "expected": "Best Answer", "cluster": "Category", "metadata": "{type: .Type}"}, "", 817, "1",
			"What happens to you if you eat watermelon seeds?", "The watermelon seeds pass through"},
		{"HumanEval.jsonl.gz", map[string]string{"id": "task_id", "expected": "canonical_solution", "extra": "{test, entry_point}"}, "", 164, "HumanEval/0", "from typing import List", "    for idx, elem"},
		{"mt_bench_question.jsonl", map[string]string{"id": "question_id", "input": ".turns[0]", "extra": ".turns[1:]"}, "", 80, "81", "Compose an engaging travel blog post", ""},
		{"mt_bench_reference_gpt-4.jsonl", map[string]string{"id": "question_id", "input": ".choices[0].turns[0]"}, "", 30, "101", "", ""},
		{"bbh/boolean_expressions.json", nil, "", 250, "1", "not ( True ) and ( True ) is", "False"},
		{"bbh/date_understanding.json", nil, "", 250, "1", "Today is Christmas Eve of 1937.", "(B)"},
		{"bbh/multistep_arithmetic_two.json", nil, "", 250, "1", "((-1 + 2 + 9 * 5)", "24"},
		{"bbh/navigate.json", nil, "", 250, "1", "If you follow these instructions", ""},
		{"bbh/object_counting.json", nil, "", 250, "1", "I have a flute, a piano", ""},
		{"bbh/sports_understanding.json", nil, "", 250, "1", "Is the following sentence plausible?", "no"},
		{"bbh/web_of_lies.json", nil, "", 250, "1", "Question: Sherrie tells the truth.", ""},
		{"bbh/word_sorting.json", nil, "", 250, "1", "Sort the following words", "syndrome therefrom"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			cases, err := all(t, shared.File(t, "data/"+tt.file), dataset.Options{Map: tt.mapping, Items: tt.items})
			require.NoError(t, err)
			require.Len(t, cases, tt.rows)
			assert.Equal(t, tt.id, cases[0].ID)
			assert.True(t, strings.HasPrefix(cases[0].Input.(string), tt.input), "%q", cases[0].Input)
			if tt.expected != "" {
				assert.True(t, strings.HasPrefix(cases[0].Expected.(string), tt.expected), "%q", cases[0].Expected)
			}
			ids := map[string]bool{}
			for _, c := range cases {
				ids[c.ID] = true
			}
			assert.Len(t, ids, tt.rows, "IDs are unique")
		})
	}
}

// TestJSONParsing reads each text of the corpus as a row: what must not parse is
// refused, what must parse is not refused for its syntax.
func TestJSONParsing(t *testing.T) {
	files := shared.Files(t, "corpora/jsontestsuite/*.json")
	require.Greater(t, len(files), 300)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range []string{"x.json", "x.jsonl"} {
			content := string(data)
			if name == "x.json" {
				content = `[{"input":"x","extra":` + content + "}]"
			} else {
				if strings.ContainsAny(content, "\n\r") {
					continue
				}
				content = `{"input":"x","extra":` + content + "}"
			}
			_, err := all(t, write(t, name, content), dataset.Options{})
			base := filepath.Base(file)
			switch {
			case strings.HasPrefix(base, "n_"):
				assert.Error(t, err, "%s %q", file, content)
			case strings.HasPrefix(base, "y_"):
				assert.NoError(t, err, file)
			}
		}
	}
}

func TestYAMLCorpusDoesNotPanic(t *testing.T) {
	read := 0
	err := filepath.WalkDir(shared.File(t, "corpora/yaml-test-suite"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		_, _ = all(t, write(t, "x.yaml", string(data)), dataset.Options{})
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, read, 300)
}
