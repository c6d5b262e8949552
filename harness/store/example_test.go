package store_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
)

// openTemporary opens a store in a new folder; done closes and removes it.
func openTemporary() (s *store.Store, done func()) {
	dir, err := os.MkdirTemp("", "evalrun")
	if err != nil {
		log.Fatal(err)
	}
	if s, err = store.Open(filepath.Join(dir, ".evalrun")); err != nil {
		log.Fatal(err)
	}
	return s, func() {
		if err := s.Close(); err != nil {
			log.Fatal(err)
		}
		_ = os.RemoveAll(dir)
	}
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "evalrun")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := store.Open(filepath.Join(dir, ".evalrun"))
	if err != nil {
		log.Fatal(err)
	}
	runs, err := s.Runs(context.Background())
	fmt.Println(len(runs), "runs,", err)
	fmt.Println(s.Close())
	// Output:
	// 0 runs, <nil>
	// <nil>
}

func ExampleStore_Create() {
	s, done := openTemporary()
	defer done()
	ctx := context.Background()
	run, err := s.Create(ctx, store.Spec{Suite: "faq", App: "bot"})
	if err != nil {
		log.Fatal(err)
	}
	if err := run.Finish(ctx, "incomplete", []string{"the dataset is empty"}, 0); err != nil {
		log.Fatal(err)
	}
	if err := run.Close(); err != nil {
		log.Fatal(err)
	}
	info, err := s.Info(ctx, "latest")
	fmt.Println(info.Spec.Suite, info.Status, info.Reasons, err)
	// Output: faq incomplete [the dataset is empty] <nil>
}

func ExampleRun_Write() {
	s, done := openTemporary()
	defer done()
	ctx := context.Background()
	run, err := s.Create(ctx, store.Spec{Suite: "faq"})
	if err != nil {
		log.Fatal(err)
	}
	page := []harness.Case{{ID: "hours", Input: "When are you open?", Seq: 0}, {ID: "price", Input: "What is it?", Seq: 1}}
	if _, err := run.Plan(ctx, page); err != nil {
		log.Fatal(err)
	}
	err = run.Write(ctx, []harness.Result{{Case: page[0], Trial: 1, Output: &harness.Output{Value: "Nine to five."}, Attempts: 1}})
	fmt.Println("written:", err)
	_ = run.Close() // as a crash would

	again, err := s.Resume(ctx, "latest")
	if err != nil {
		log.Fatal(err)
	}
	there, err := again.Plan(ctx, page)
	fmt.Println("finished:", there.Finished, err)
	_ = again.Close()
	// Output:
	// written: <nil>
	// finished: [{hours 1}] <nil>
}

func ExampleStore_Results() {
	s, done := openTemporary()
	defer done()
	ctx := context.Background()
	run, err := s.Create(ctx, store.Spec{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = run.Close() }()
	page := []harness.Case{{ID: "a", Input: "1+1", Seq: 0}, {ID: "b", Input: "1/0", Seq: 1}}
	if _, err := run.Plan(ctx, page); err != nil {
		log.Fatal(err)
	}
	if err := run.Write(ctx, []harness.Result{
		{Case: page[1], Trial: 1, Error: &harness.Error{Kind: harness.KindApp, Message: "division by zero"}},
		{Case: page[0], Trial: 1, Output: &harness.Output{Value: "2"}},
	}); err != nil {
		log.Fatal(err)
	}
	for r, err := range s.Results(ctx, run.ID(), store.Query{}) {
		if err != nil {
			log.Fatal(err)
		}
		if r.Error != nil {
			fmt.Println(r.Case.ID, "failed:", r.Error)
			continue
		}
		fmt.Println(r.Case.ID, "answered", r.Output.Text())
	}
	// Output:
	// a answered 2
	// b failed: division by zero
}
