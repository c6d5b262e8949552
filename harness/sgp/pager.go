package sgp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strconv"
)

// ErrChanged is the cause of an error that ends the reading of a list whose
// pages don't fit together: items may be missing or come twice.
var ErrChanged = errors.New("the list changed while it was read")

// maxLimit is the most items that the platform gives in one page.
const maxLimit = 10000

// pager walks a list by page and limit. The end is where as many items were seen
// as total_item_count says: an empty page before it is skipped, and current_page
// is not looked at. An empty page where page and limit say that the end was
// passed means that items are missing. That, maxEmpty, and a total that must stay
// the same, bound the number of pages.
type pager struct {
	page  int // to be asked for next, from 1
	limit int
	total int64
	seen  int64
	last  string // digest of the IDs of the last page that had any
	empty int    // empty pages in a row
	short bool   // the end was passed with fewer items than announced
}

// maxEmpty is how many empty pages in a row are taken for a list without an end.
const maxEmpty = 100

// listed is what the pager looks at in a page.
type listed struct {
	ids   []string
	total int64
}

// next takes the page that was asked for and tells where to go on; done when
// nothing is left.
func (p pager) next(got listed) (n pager, done bool, err error) {
	count := int64(len(got.ids))
	n = p
	n.page++
	n.total = got.total
	n.seen += count
	n.empty++
	if count > 0 {
		n.last, n.empty = digest(got.ids), 0
	}
	switch {
	case p.page > 1 && got.total != p.total:
		return n, false, fmt.Errorf("%w: it had %d items and has %d now", ErrChanged, p.total, got.total)
	case count > 0 && n.last == p.last:
		return n, false, fmt.Errorf("%w: page %d is the same as the page before", ErrChanged, p.page)
	case n.seen > got.total:
		return n, false, fmt.Errorf("%w: it gave %d items, and says that there are %d", ErrChanged, n.seen, got.total)
	case n.seen == got.total:
		return n, true, nil
	}
	n.short = n.empty > maxEmpty || count == 0 && int64(p.page-1)*int64(p.limit) >= got.total
	return n, false, nil
}

// ended is the error of a list that came to its end too early.
func (p pager) ended() error {
	return fmt.Errorf("%w: it gave %d items, and says that there are %d", ErrChanged, p.seen, p.total)
}

// cursor writes the pager down.
func (p pager) cursor() string {
	v := url.Values{}
	v.Set("page", strconv.Itoa(p.page))
	v.Set("limit", strconv.Itoa(p.limit))
	v.Set("total", strconv.FormatInt(p.total, 10))
	v.Set("seen", strconv.FormatInt(p.seen, 10))
	v.Set("last", p.last)
	v.Set("empty", strconv.Itoa(p.empty))
	v.Set("short", strconv.FormatBool(p.short))
	return v.Encode()
}

// parsePager reads a cursor; "" is the first page.
func parsePager(cursor string, limit int) (pager, error) {
	p := pager{page: 1, limit: limit}
	if cursor == "" {
		return p, nil
	}
	v, err := url.ParseQuery(cursor)
	var errs [6]error
	p.page, errs[0] = strconv.Atoi(v.Get("page"))
	p.limit, errs[1] = strconv.Atoi(v.Get("limit"))
	p.total, errs[2] = strconv.ParseInt(v.Get("total"), 10, 64)
	p.seen, errs[3] = strconv.ParseInt(v.Get("seen"), 10, 64)
	p.short, errs[4] = strconv.ParseBool(v.Get("short"))
	p.empty, errs[5] = strconv.Atoi(v.Get("empty"))
	p.last = v.Get("last")
	if errors.Join(err, errors.Join(errs[:]...)) != nil || p.page < 1 || p.limit < 1 {
		return p, fmt.Errorf("no page %q", cursor)
	}
	return p, nil
}

func digest(ids []string) string {
	h := sha256.New()
	for _, id := range ids {
		_, _ = io.WriteString(h, strconv.Itoa(len(id))+":"+id)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func look[T identified](p Page[T]) listed {
	l := listed{ids: make([]string, len(p.Items)), total: p.TotalItemCount}
	for i, item := range p.Items {
		l.ids[i] = item.id()
	}
	return l
}

// all reads a list to its end. After an error there are no more items. An ID that
// comes twice is an error: where the order of a list is not stable, items change
// places across the border of two pages, and one is seen twice and another not at
// all, while their number is right.
func all[T identified](ctx context.Context, limit int, fetch func(context.Context, ListOptions) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		p := pager{page: 1, limit: limit}
		ids := newIDSet()
		for {
			page, err := fetch(ctx, ListOptions{Page: p.page, Limit: p.limit})
			done := false
			if err == nil {
				got := look(page)
				if p, done, err = p.next(got); err == nil {
					err = ids.addAll(got.ids)
				}
			}
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if p.short {
				yield(none, p.ended())
			}
			if done || p.short {
				return
			}
		}
	}
}

// AllResults reads every result of an evaluation, page by page. The error
// ErrChanged says that results came in meanwhile and some may be missing.
func (c *Client) AllResults(ctx context.Context, evaluation string) iter.Seq2[TestCaseResult, error] {
	return all(ctx, 1000, func(ctx context.Context, o ListOptions) (Page[TestCaseResult], error) {
		return c.ListResults(ctx, evaluation, o)
	})
}

// AllVersions reads every version of a dataset.
func (c *Client) AllVersions(ctx context.Context, dataset string) iter.Seq2[EvaluationDatasetVersion, error] {
	return all(ctx, 1000, func(ctx context.Context, o ListOptions) (Page[EvaluationDatasetVersion], error) {
		return c.ListVersions(ctx, dataset, o)
	})
}

// LatestVersion is the highest number among a dataset's published versions; 0
// when none is.
func (c *Client) LatestVersion(ctx context.Context, dataset string) (int, error) {
	latest := 0
	for v, err := range c.AllVersions(ctx, dataset) {
		if err != nil {
			return 0, fmt.Errorf("sgp: latest version of %s: %w", dataset, err)
		}
		if !v.Draft {
			latest = max(latest, v.Num)
		}
	}
	return latest, nil
}
