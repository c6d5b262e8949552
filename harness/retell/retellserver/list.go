package retellserver

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness/retell"
)

// The limits of a page, as the platform documents them.
const (
	defaultLimit = 50
	maxLimit     = 1000
)

// list keeps values in the order in which they were added, and finds them by ID.
type list[T any] struct {
	entries []*entry[T]
	byID    map[string]*entry[T]
}

type entry[T any] struct {
	id    string
	value T
}

func (l *list[T]) get(id string) (v T, ok bool) {
	e, ok := l.byID[id]
	if ok {
		v = e.value
	}
	return v, ok
}

// set adds a value, or replaces the one with this ID in its place.
func (l *list[T]) set(id string, v T) {
	if e, ok := l.byID[id]; ok {
		e.value = v
		return
	}
	if l.byID == nil {
		l.byID = map[string]*entry[T]{}
	}
	l.byID[id] = &entry[T]{id, v}
	l.entries = append(l.entries, l.byID[id])
}

// delete tells whether there was something to delete.
func (l *list[T]) delete(id string) bool {
	e, ok := l.byID[id]
	if !ok {
		return false
	}
	delete(l.byID, id)
	kept := make([]*entry[T], 0, len(l.entries))
	for _, other := range l.entries {
		if other != e {
			kept = append(kept, other)
		}
	}
	l.entries = kept
	return true
}

// answer gives a whole list under the deprecated path, and a page of it under /v2.
// The key of a page names the last item of the one before it: items that are
// added or deleted meanwhile don't shift it. That item must still be there.
func answer[T any](r Request, all []T, id func(T) string) (int, any, error) {
	if all == nil {
		all = []T{}
	}
	if !strings.HasPrefix(r.Path, "/v2/") {
		return 200, all, nil
	}
	limit := defaultLimit
	if text := r.Query.Get("limit"); text != "" || r.Query.Has("limit") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			return 0, nil, badRequest("limit must be a whole number from 1 to " + strconv.Itoa(maxLimit) + ".")
		}
		limit = n
	}
	from, err := after(all, r.Query.Get("pagination_key"), id)
	if err != nil {
		return 0, nil, err
	}
	page := retell.Page[T]{Items: all[from:]}
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.HasMore = true
		page.PaginationKey = keyOf(all[:from+limit], id)
	}
	return 200, page, nil
}

// keyOf is the ID of the last item, with a number where the list has it before.
func keyOf[T any](items []T, id func(T) string) string {
	last, times := id(items[len(items)-1]), 0
	for _, item := range items {
		if id(item) == last {
			times++
		}
	}
	if times > 1 {
		return last + "~" + strconv.Itoa(times)
	}
	return last
}

// after is the position behind the item with this key.
func after[T any](all []T, key string, id func(T) string) (int, error) {
	if key == "" {
		return 0, nil
	}
	key, number, _ := strings.Cut(key, "~")
	times, err := strconv.Atoi(cmp.Or(number, "1"))
	for i, item := range all {
		if err == nil && id(item) == key {
			if times--; times == 0 {
				return i + 1, nil
			}
		}
	}
	return 0, badRequest("pagination_key is not one of this list.")
}

// engine reads the engine that a list is asked for, without its version.
func engine(r Request) (retell.ResponseEngine, error) {
	e := retell.ResponseEngine{Type: r.Query.Get("type")}
	need := ""
	switch e.Type {
	case retell.EngineLLM:
		e.LLMID, need = r.Query.Get("llm_id"), "llm_id"
	case retell.EngineFlow:
		e.ConversationFlowID, need = r.Query.Get("conversation_flow_id"), "conversation_flow_id"
	default:
		return e, badRequest("type must be retell-llm or conversation-flow.")
	}
	if e.ID() == "" {
		return e, badRequest(need + " is required when type is " + e.Type + ".")
	}
	return e, nil
}

// same tells whether two engines are the same but for their version.
func same(a, b retell.ResponseEngine) bool { return a.Type == b.Type && a.ID() == b.ID() }
