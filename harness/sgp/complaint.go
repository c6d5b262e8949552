package sgp

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/evalrun/evalrun/harness"
)

// reasonOf is what the platform says, or its status where it says nothing.
func reasonOf(e *Error) string {
	return cmp.Or(e.Message, fmt.Sprintf("status %d %s, without a reason", e.Status, http.StatusText(e.Status)))
}

// reject settles the items with a complaint and gives the others.
func (r *posting) reject(items []item, complaints map[harness.Key]string) []item {
	var receipts []harness.Receipt
	var rest []item
	for _, it := range items {
		if message, bad := complaints[it.key]; bad {
			receipts = append(receipts, harness.Receipt{Key: it.key, State: harness.PostRejected, Message: cmp.Or(r.Client.http.Clean(message), "no reason given")})
		} else {
			rest = append(rest, it)
		}
	}
	r.settle(receipts)
	return rest
}

// notJSON is the type of a complaint about a body that arrived damaged. It has the
// place in the text where items have their index.
const notJSON = "json_invalid"

// complaintsOf finds the items that a 422 names, with what it says about them;
// none when it names none, or one that is not there.
func complaintsOf(e *Error, items []item) map[harness.Key]string {
	var body HTTPValidationError
	if e.Status != http.StatusUnprocessableEntity || json.Unmarshal(e.Body, &body) != nil {
		return nil
	}
	out := map[harness.Key]string{}
	for _, d := range body.Detail {
		i, ok := d.Item()
		if !ok || i >= len(items) || d.Type == notJSON {
			return nil
		}
		message := d.Msg
		for k := len(d.Loc) - 1; k >= 2; k-- {
			message = fmt.Sprint(d.Loc[k]) + ": " + message
		}
		key := items[i].key
		if out[key] != "" {
			message = out[key] + "; " + message
		}
		out[key] = message
	}
	return out
}

// aboutRequest tells whether a 422 complains about the request and not about its
// items: about the path, a header or the query, or about what all items of a run
// share. Then the configuration is wrong. A complaint about the body as a whole may
// be about its size or about one of its items, which names none.
func aboutRequest(e *Error) bool {
	var body HTTPValidationError
	if e.Status != http.StatusUnprocessableEntity || json.Unmarshal(e.Body, &body) != nil {
		return false
	}
	return slices.ContainsFunc(body.Detail, func(d ValidationError) bool {
		if len(d.Loc) == 0 || len(d.Loc) == 1 && d.Loc[0] == "body" {
			return false
		}
		if _, ok := d.Item(); !ok {
			return true
		}
		return len(d.Loc) > 2 && slices.Contains([]any{"application_spec_id", "evaluation_dataset_version_num", "account_id"}, d.Loc[2])
	})
}
