package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func openPlatform(t *testing.T) *Platform {
	t.Helper()
	s, err := Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s.Platform()
}

func body(format string, args ...any) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(format, args...))
}

func someCases(prefix string, n int) []PlatformCase {
	cases := make([]PlatformCase, n)
	for i := range cases {
		cases[i] = PlatformCase{ID: fmt.Sprint(prefix, i), Body: body(`{"i":%d}`, i)}
	}
	return cases
}

func TestPlatformVersions(t *testing.T) {
	p, ctx := openPlatform(t), t.Context()
	require.NoError(t, p.AddDataset(ctx, PlatformDataset{ID: "d", Account: "a", Schema: "GENERATION", Body: body(`{}`)}))
	require.NoError(t, p.AddCases(ctx, "d", someCases("x", 3)))
	fresh := PlatformVersion{ID: "v1", Dataset: "d", Published: "today", Body: body(`{}`)}
	require.NoError(t, p.PublishLatest(ctx, fresh))
	fresh.ID = "again"
	require.NoError(t, p.PublishLatest(ctx, fresh))
	require.NoError(t, p.AddCases(ctx, "d", someCases("y", 2)))
	draft, err := p.AddVersion(ctx, PlatformVersion{ID: "v2", Dataset: "d", Body: body(`{}`)})
	require.NoError(t, err)
	assert.Equal(t, PlatformVersion{ID: "v2", Dataset: "d", Num: 2, Body: body(`{}`)}, draft)
	require.NoError(t, p.PublishVersion(ctx, "d", "v2", "tomorrow"))
	require.NoError(t, p.AddCases(ctx, "d", someCases("z", 1)))
	require.NoError(t, p.PublishVersion(ctx, "d", "v2", "never"))

	all, total, err := p.Versions(ctx, "d", Range{N: 10})
	require.NoError(t, err)
	assert.Equal(t, int64(2), total)
	assert.Equal(t, []PlatformVersion{
		{ID: "v1", Dataset: "d", Num: 1, Cases: 3, Published: "today", Body: body(`{}`)},
		{ID: "v2", Dataset: "d", Num: 2, Cases: 5, Published: "tomorrow", Body: body(`{}`)},
	}, all)
	found, err := p.FindCases(ctx, []string{"x2", "z0", "none", "x2"}, true)
	require.NoError(t, err)
	assert.Equal(t, map[string]PlatformCase{
		"x2": {ID: "x2", Dataset: "d", Schema: "GENERATION", Pos: 2, Body: body(`{"i":2}`)},
		"z0": {ID: "z0", Dataset: "d", Schema: "GENERATION", Pos: 5, Body: body(`{"i":0}`)},
	}, found)
}

func TestPlatformNotFound(t *testing.T) {
	p, ctx := openPlatform(t), t.Context()
	for name, err := range map[string]error{
		"dataset":    second(p.Dataset(ctx, "x")),
		"version":    second(p.Version(ctx, "x", 1)),
		"by ID":      second(p.VersionByID(ctx, "x", "y")),
		"add":        second(p.AddVersion(ctx, PlatformVersion{ID: "v", Dataset: "x", Body: body(`{}`)})),
		"publish":    p.PublishVersion(ctx, "x", "y", "now"),
		"latest":     p.PublishLatest(ctx, PlatformVersion{ID: "v", Dataset: "x", Published: "now"}),
		"cases":      p.AddCases(ctx, "x", someCases("c", 1)),
		"case":       second(p.Case(ctx, "x", "c0")),
		"spec":       second(p.Spec(ctx, "x")),
		"evaluation": second(p.Evaluation(ctx, "x")),
		"results":    p.AddResults(ctx, "x", []PlatformResult{{ID: "r", Status: PlatformPending, Body: body(`{}`)}}, "now"),
		"result":     second(p.Result(ctx, "x", "r")),
		"change":     second(p.ChangeResult(ctx, "x", "r", "now", nil)),
	} {
		assert.ErrorIs(t, err, ErrNotFound, name)
	}
	cases, err := p.Cases(ctx, "x", Range{N: 10})
	require.NoError(t, err)
	assert.Empty(t, cases, "a refused batch leaves nothing behind")
}

func second[T any](_ T, err error) error { return err }

// All or nothing, in order, and counted right, also when writes are grouped and
// some of them fail.
func TestPlatformResultsTogether(t *testing.T) {
	p, ctx := openPlatform(t), t.Context()
	require.NoError(t, p.AddEvaluation(ctx, PlatformEvaluation{ID: "e", Account: "a", Spec: "s", Body: body(`{}`)}))
	statuses := []string{PlatformCompleted, PlatformPending, PlatformFailed}
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for b := range 12 {
				batch := make([]PlatformResult, 9)
				for i := range batch {
					batch[i] = PlatformResult{ID: fmt.Sprint(w, "/", b, "/", i), Dataset: "d", Status: statuses[i%3], Body: body(`"%d/%d/%d"`, w, b, i)}
				}
				if b%4 == 3 {
					batch[8].ID = batch[0].ID
					assert.Error(t, p.AddResults(ctx, "e", batch, "now"))
					continue
				}
				assert.NoError(t, p.AddResults(ctx, "e", batch, "now"))
			}
		})
	}
	all.Wait()
	e, err := p.Evaluation(ctx, "e")
	require.NoError(t, err)
	assert.Equal(t, []int64{8 * 9 * 9, 8 * 9 * 3, 8 * 9 * 3}, []int64{e.Total, e.Completed, e.Failed})
	items, err := p.Results(ctx, "e", Range{N: 10_000})
	require.NoError(t, err)
	require.Len(t, items, 8*9*9)
	for i, item := range items {
		first, _, _ := strings.Cut(string(items[i/9*9]), `/0"`)
		assert.Equal(t, fmt.Sprintf(`%s/%d"`, first, i%9), string(item))
	}
	part, err := p.Results(ctx, "e", Range{From: 640, N: 100})
	require.NoError(t, err)
	assert.Equal(t, items[640:], part)

	_, err = p.ChangeResult(ctx, "e", "0/0/1", "now", func(PlatformResult) (PlatformResult, error) {
		return PlatformResult{}, errors.New("no such thing")
	})
	assert.ErrorContains(t, err, "no such thing")
	r, err := p.Result(ctx, "e", "0/0/1")
	require.NoError(t, err)
	assert.Equal(t, PlatformPending, r.Status)
}

func TestPlatformEvaluationIsFinished(t *testing.T) {
	p, ctx := openPlatform(t), t.Context()
	require.NoError(t, p.AddEvaluation(ctx, PlatformEvaluation{ID: "e", Body: body(`{}`)}))
	finished := func() string {
		e, err := p.Evaluation(ctx, "e")
		require.NoError(t, err)
		return e.Finished
	}
	add := func(id, status, now string) {
		require.NoError(t, p.AddResults(ctx, "e", []PlatformResult{{ID: id, Status: status, Body: body(`{}`)}}, now))
	}
	change := func(id, status, now string) {
		_, err := p.ChangeResult(ctx, "e", id, now, func(r PlatformResult) (PlatformResult, error) {
			r.Status = status
			return r, nil
		})
		require.NoError(t, err)
	}
	assert.Empty(t, finished())
	require.NoError(t, p.AddResults(ctx, "e", nil, "0"))
	assert.Empty(t, finished(), "no result is no finish")
	add("a", PlatformCompleted, "1")
	assert.Equal(t, "1", finished())
	add("b", PlatformPending, "2")
	assert.Empty(t, finished())
	change("b", PlatformFailed, "3")
	assert.Empty(t, finished())
	change("b", PlatformCompleted, "4")
	assert.Equal(t, "4", finished())
}

// Pages of long lists come out of an index: nothing is scanned or sorted.
func TestPlatformListsUseIndexes(t *testing.T) {
	p := openPlatform(t)
	for query, index := range map[string]string{
		"SELECT body FROM platform_cases WHERE dataset = ? AND pos >= ? AND pos < ? ORDER BY pos":      "platform_cases_by_pos",
		"SELECT body FROM platform_results WHERE evaluation = ? AND pos >= ? AND pos < ? ORDER BY pos": "platform_results_by_pos",
		versionColumns + " WHERE dataset = ? AND num = ?":                                              "platform_versions_by_num",
		resultColumns: "sqlite_autoindex_platform_results_1",
		"SELECT c.id FROM json_each(?) AS wanted CROSS JOIN platform_cases AS c ON c.id = wanted.value": "sqlite_autoindex_platform_cases_1",
	} {
		args := make([]any, strings.Count(query, "?"))
		for i := range args {
			args[i] = "[]"
		}
		var plan []string
		rows, err := p.s.read.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, args...)
		require.NoError(t, err)
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			plan = append(plan, detail)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		text := strings.Join(plan, "\n")
		assert.Contains(t, text, index, query)
		assert.NotContains(t, text, "SCAN platform", query)
		assert.NotContains(t, text, "SORT", query)
		assert.NotContains(t, text, "TEMP B-TREE", query)
	}
}
