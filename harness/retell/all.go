package retell

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ErrChanged is the cause of an error that ends the reading of a list whose
// pages don't fit together: items may be missing or come twice.
var ErrChanged = errors.New("the list does not hold together")

// maxEmpty is how many empty pages in a row are taken for a list without an end.
const maxEmpty = 100

// AllTestCaseDefinitions reads every definition of an engine. After an error, here
// and below, there are no more items; [ErrChanged] says that pages don't fit
// together. Its pages are small, for the mocks in them.
func (c *Client) AllTestCaseDefinitions(ctx context.Context, engine ResponseEngine) iter.Seq2[TestCaseDefinition, error] {
	return all(100, func(o ListOptions) (Page[TestCaseDefinition], error) {
		return c.ListTestCaseDefinitions(ctx, engine, o)
	})
}

// AllBatchTests reads every batch of an engine: of its version, or without one of
// what the platform takes for the latest.
func (c *Client) AllBatchTests(ctx context.Context, engine ResponseEngine) iter.Seq2[BatchTest, error] {
	return all(1000, func(o ListOptions) (Page[BatchTest], error) { return c.ListBatchTests(ctx, engine, o) })
}

// AllTestRuns reads every run of a batch. Its pages are small, for the transcripts
// in them.
func (c *Client) AllTestRuns(ctx context.Context, batch string) iter.Seq2[TestRun, error] {
	return all(100, func(o ListOptions) (Page[TestRun], error) { return c.ListTestRuns(ctx, batch, o) })
}

// all reads a list to its end: where the platform says that there is no more.
// Empty pages before it are skipped.
func all[T identified](limit int, fetch func(ListOptions) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		ids, keys, empty := map[string]bool{}, map[string]bool{}, 0
		for o := (ListOptions{Limit: limit}); ; {
			page, err := fetch(o)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if err := fresh(ids, item.id()); err != nil {
					yield(none, err)
					return
				}
				if !yield(item, nil) {
					return
				}
			}
			if !page.HasMore {
				return
			}
			if empty++; len(page.Items) > 0 {
				empty = 0
			}
			switch key := page.PaginationKey; {
			case key == "":
				err = fmt.Errorf("retell: %w: there is more, but no key that leads there", ErrChanged)
			case keys[key]:
				err = fmt.Errorf("retell: %w: the key of a page leads back to one before", ErrChanged)
			case empty > maxEmpty:
				err = fmt.Errorf("retell: %w: more than %d empty pages in a row", ErrChanged, maxEmpty)
			}
			if err != nil {
				yield(none, err)
				return
			}
			o.PaginationKey = page.PaginationKey
			keys[o.PaginationKey] = true
		}
	}
}

// whole reads a list. One that does not hold together, as when something is created
// meanwhile, is read again.
func whole[T any](list iter.Seq2[T, error]) ([]T, error) {
	var err error
	for range 3 {
		var out []T
		err = nil
		for item, trouble := range list {
			if err = trouble; err == nil {
				out = append(out, item)
			}
		}
		if !errors.Is(err, ErrChanged) {
			return out, err
		}
	}
	return nil, err
}

// fresh wants an ID that is there, and new.
func fresh(ids map[string]bool, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("retell: %w: an item has no ID", ErrChanged)
	case ids[id]:
		return fmt.Errorf("retell: %w: it has %q twice", ErrChanged, id)
	}
	ids[id] = true
	return nil
}
