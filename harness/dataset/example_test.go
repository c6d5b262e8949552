package dataset_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evalrun/evalrun/harness/dataset"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "school.jsonl")
	row := `{"question": "6*7?", "answer": "6*7 is 42\n#### 42", "level": "easy"}`
	if err := os.WriteFile(path, []byte(row), 0o600); err != nil {
		panic(err)
	}

	f, err := dataset.Open(path, dataset.Options{Map: map[string]string{
		"expected": `.answer | split("#### ")[1]`,
		"metadata": "{level}",
	}})
	if err != nil {
		panic(err)
	}
	defer f.Close()
	page, err := f.Page(context.Background(), "")
	for _, c := range page.Cases {
		fmt.Printf("%s %q %q %v\n", c.ID, c.Input, c.Expected, c.Metadata)
	}
	fmt.Println(err)
	// Output:
	// 1 "6*7?" "42" map[level:easy]
	// <nil>
}
