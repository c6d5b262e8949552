package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnswer(t *testing.T) {
	for _, tt := range []struct{ question, want string }{
		{"not ( True ) and ( True ) is", "False"},
		{"True and not not ( not False ) is", "True"},
		{"False or not not not False and True is", "True"},
		{"True or False and False is", "True"},
		{"((-1 + 2 + 9 * 5) - (-2 + -4 + -4 * -7)) =", "24"},
		{"((6 * -6 * 8 * 1) * (-1 * 7 * -6 + -2)) =", "-11520"},
		{"10 / 4 =", "2.5"},
		{"0 * -5 =", "0"},
		{"James runs 60 meters each sprint. He runs 3 sprints 3 times a week. How many meters does he run a week?", "540"},
		{"Ann had 10 apples and ate 4. How many are left?", "6"},
		{"A coat costs $1,200. It is 25% off its price. How much is that share?", "300"},
		{"Tell me a joke", "I can't compute that."},
		{"", "I can't compute that."},
		{" is", "I can't compute that."},
		{"True and is", "I can't compute that."},
		{"( True is", "I can't compute that."},
		{"True ) is", "I can't compute that."},
		{"1 / 0 =", "1"}, // no number, so its words are guessed at
		{strings.Repeat("(", 100_000) + "1 =", "1"},
	} {
		t.Run(tt.question[:min(len(tt.question), 40)], func(t *testing.T) {
			assert.Equal(t, tt.want, faults{}.answer(t.Context(), tt.question).Output)
		})
	}
}

func TestFaults(t *testing.T) {
	env := map[string]string{"ARITHMETIC_BUG": "whole", "ARITHMETIC_SLIPS": "0.1", "ARITHMETIC_SEED": "1"}
	f, err := faultsOf(func(name string) string { return env[name] })
	require.NoError(t, err)
	assert.Equal(t, "3", faults{whole: true}.answer(t.Context(), "7 / 2 =").Output)
	assert.Equal(t, "4", faults{whole: true}.answer(t.Context(), "8 / 2 =").Output)
	slipped := 0
	for i := range 1000 {
		question := strconv.Itoa(i) + " + 0 ="
		got := f.answer(t.Context(), question).Output
		assert.Equal(t, got, f.answer(t.Context(), question).Output, "a seed always picks the same")
		if got != strconv.Itoa(i) {
			assert.Equal(t, strconv.Itoa(i+1), got)
			slipped++
		}
	}
	assert.InDelta(t, 100, slipped, 40)
	_, err = faultsOf(func(string) string { return "many" })
	assert.Error(t, err)
}

// TestAnswersOfPublishedTasks asks two tasks of BIG-Bench Hard.
func TestAnswersOfPublishedTasks(t *testing.T) {
	for _, task := range []string{"boolean_expressions", "multistep_arithmetic_two"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "bbh", task+".json"))
		if os.IsNotExist(err) && os.Getenv("CI") == "" {
			t.Skip("the public data sets are not here: " + err.Error())
		}
		require.NoError(t, err)
		var file struct {
			Examples []struct{ Input, Target string }
		}
		require.NoError(t, json.Unmarshal(data, &file))
		require.Len(t, file.Examples, 250)
		for _, e := range file.Examples {
			assert.Equal(t, e.Target, faults{}.answer(t.Context(), e.Input).Output, e.Input)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"not ( True ) is", "((1 + 2) * -3) =", "5 apples, half of 1/2, 3% each", "1e9/0 =", "is", "="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		assert.NotEmpty(t, faults{}.answer(t.Context(), s).Output)
	})
}
