package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/evalrun/evalrun/harness"
)

// called compares the calls of an agent with those that the case expects in
// extra.calls, a list of {name, args}, in this order. Arguments that the case does not
// name are free.
func called(_ context.Context, t harness.Trial) (harness.Score, error) {
	want, err := expected(t.Case)
	if err != nil {
		return harness.Score{}, err // no score at all, which is not a score of 0
	}
	reason := difference(want, t.Output.ToolCalls)
	return harness.PassIf(reason == "", reason), nil
}

// expected are the calls that a case names.
func expected(c harness.Case) ([]harness.ToolCall, error) {
	var extra struct {
		Calls *[]harness.ToolCall `json:"calls"`
	}
	data, err := json.Marshal(c.Extra)
	if err == nil {
		err = json.Unmarshal(data, &extra)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("extra of the case: %w", err)
	case extra.Calls == nil:
		return nil, errors.New("the case has no list extra.calls")
	}
	return *extra.Calls, nil
}

// difference says what is not as expected; "" when all is.
func difference(want, got []harness.ToolCall) string {
	if !slices.Equal(names(want), names(got)) {
		return fmt.Sprintf("called %q, expected %q", names(got), names(want))
	}
	for i, w := range want {
		for _, arg := range slices.Sorted(maps.Keys(w.Args)) {
			if found := got[i].Args[arg]; !reflect.DeepEqual(found, w.Args[arg]) {
				return fmt.Sprintf("call %d, %s: %s is %v, expected %v", i+1, w.Name, arg, found, w.Args[arg])
			}
		}
	}
	return ""
}

func names(calls []harness.ToolCall) []string {
	var out []string
	for _, c := range calls {
		out = append(out, c.Name)
	}
	return out
}
