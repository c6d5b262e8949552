package sgpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/evalrun/evalrun/harness/store"
)

// chunk is how many items of a page are read from the store at a time, and
// flushAt how many bytes of a page are gathered before they are sent.
const (
	chunk   = 100
	flushAt = 1 << 20
)

// statusError is an answer other than 200 and 422.
type statusError struct {
	status int
	detail string
}

func (e *statusError) Error() string { return e.detail }

// invalid is a 422.
type invalid []problem

func (e invalid) Error() string { return fmt.Sprintf("%d validation errors", len(e)) }

// notFound is the 404 of an entity that is not there.
func notFound(what, id string) error {
	return &statusError{http.StatusNotFound, fmt.Sprintf("%s %q not found", what, id)}
}

// missing turns the store's ErrNotFound into a 404.
func missing(err error, what, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFound(what, id)
	}
	return err
}

// isOther tells whether there is an error that is not ErrNotFound.
func isOther(err error) bool { return err != nil && !errors.Is(err, store.ErrNotFound) }

// fail answers with an error.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	var bad invalid
	var other *statusError
	switch {
	case errors.As(err, &bad):
		reply(w, http.StatusUnprocessableEntity, encode(map[string]any{"detail": bad}))
	case errors.As(err, &other):
		refuse(w, other.status, other.detail)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		refuse(w, http.StatusServiceUnavailable, "the request was cancelled") // nobody is there to read it
	default:
		refuse(w, http.StatusInternalServerError, "local store: "+err.Error())
	}
}

// refuse answers {"detail": "..."}.
func refuse(w http.ResponseWriter, status int, detail string) {
	reply(w, status, encode(map[string]string{"detail": detail}))
}

// reply sends one JSON text. An error of Write means that the client has left.
func reply(w http.ResponseWriter, status int, body json.RawMessage) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// replyPage sends one page of a list of total items. more gives up to n items
// from a position on. Items are sent as they are read, so that a page of large
// items need not fit into memory.
func replyPage(w http.ResponseWriter, p paging, total int64, more func(from, n int64) ([]json.RawMessage, error)) error {
	w.Header().Set("Content-Type", "application/json")
	b, sent := []byte(`{"items":[`), false
	end := min(p.from()+p.limit, total)
	for from := p.from(); from < end; {
		items, err := more(from, min(chunk, end-from))
		if err != nil && sent {
			panic(http.ErrAbortHandler) // 200 is said already: break the connection
		}
		if err != nil {
			return err
		}
		if len(items) == 0 {
			break
		}
		for i, item := range items {
			if from+int64(i) > p.from() {
				b = append(b, ',')
			}
			b = append(b, item...)
			if len(b) >= flushAt {
				_, _ = w.Write(b)
				b, sent = b[:0], true
			}
		}
		from += int64(len(items))
	}
	b = fmt.Appendf(b, `],"total_item_count":%d,"current_page":%d,"items_per_page":%d}`, total, p.page, p.limit)
	_, _ = w.Write(b)
	return nil
}
