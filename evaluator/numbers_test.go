package evaluator

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func numbersIn(s string, comma bool) (texts []string, values []float64) {
	for n := range findNumbers(s, comma) {
		texts, values = append(texts, n.text), append(values, n.value)
	}
	return texts, values
}

func TestFindNumbers(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []float64
	}{
		{"", nil},
		{"no number", nil},
		{"42", []float64{42}},
		{"it is 42.", []float64{42}},
		{"42km and 60%", []float64{42, 60}},
		{"-5", []float64{-5}},
		{"−5", []float64{-5}},
		{"(-5)", []float64{-5}},
		{"x = -5", []float64{-5}},
		{"10-5", []float64{10, 5}},
		{"10 - 5", []float64{10, 5}},
		{"10 -5", []float64{10, -5}},
		{"(3)-2", []float64{3, 2}},
		{"-- 5", []float64{5}},
		{"--5", []float64{5}},
		{"+5", []float64{5}},
		{"$5, -$6, $-7, €8", []float64{5, -6, -7, 8}},
		{"$5-$6", []float64{5, 6}},
		{"3.14", []float64{3.14}},
		{".5 and -.5", []float64{0.5, -0.5}},
		{"No.5", []float64{5}},
		{"1e3 2E-2 3e+1", []float64{1000, 0.02, 30}},
		{"5em 5e 5e+", []float64{5, 5, 5}},
		{"1,234,567.5", []float64{1234567.5}},
		{"1_000_000", []float64{1e6}},
		{"1\u202f234 and 1\u00a0234", []float64{1234, 1234}},
		{"1,2,3", []float64{1, 2, 3}},
		{"1,234,5", []float64{1, 234, 5}},
		{"1234,567", []float64{1234, 567}},
		{"0,123", []float64{0, 123}},
		{"1, 2", []float64{1, 2}},
		{"1.5,2.5", []float64{1.5, 2.5}},
		{"3/4", []float64{0.75}},
		{"-3/4", []float64{-0.75}},
		{"3 / 4", []float64{3, 4}},
		{"1/0", nil},
		{"1/2/2024", nil},
		{"48/2=24", []float64{24, 24}},
		{"3/4.5", nil},
		{"2024-01-02", []float64{2024, 1, 2}},
		{"version 1.2.3", nil},
		{"127.0.0.1:8080", []float64{8080}},
		{"GPT4 and x2 and 2x", []float64{2}},
		{"v1.2 and v1.2.3b", nil},
		{"5$-6", []float64{5, 6}},
		{"a_1 b1c2", nil},
		{"1e999", nil},
		{"<<9*2=18>>18", []float64{9, 2, 18, 18}},
		{"#### 18", []float64{18}},
		{"**7**", []float64{7}},
		{"\\boxed{12}", []float64{12}},
		{"５", nil},
		{"\xff5\xff", []float64{5}},
		{"...5...", []float64{5}},
		{"5.", []float64{5}},
		{"007", []float64{7}},
	} {
		t.Run(tt.text, func(t *testing.T) {
			_, values := numbersIn(tt.text, false)
			assert.InDeltaSlice(t, tt.want, values, 1e-12)
			assert.Len(t, values, len(tt.want))
		})
	}
}

func TestFindNumbersWithCommas(t *testing.T) {
	_, values := numbersIn("1.234.567,5 und 3,14 und 1.5", true)
	assert.Equal(t, []float64{1234567.5, 3.14, 1, 5}, values)
	texts, _ := numbersIn("es sind -1.234,50 Euro", true)
	assert.Equal(t, []string{"-1.234,50"}, texts)
}

// Hostile texts take a time that grows with their length only.
func TestFindNumbersInHugeTexts(t *testing.T) {
	for _, part := range []string{"1", "1,", "1,234", "1.", "-", "1/", ".", "1e", "a1", "1_000"} {
		last := 0.0
		for n := range findNumbers(strings.Repeat(part, 1<<18), false) {
			last = n.value
		}
		require.False(t, math.IsInf(last, 0))
	}
}

func FuzzFindNumbers(f *testing.F) {
	for _, s := range []string{"", "1,234.5e6", "-$1/2", "1.2.3", "a1", "1,23", "٣", "1\u202f000"} {
		f.Add(s, int64(-1234567), true)
	}
	f.Fuzz(func(t *testing.T, s string, whole int64, comma bool) {
		from := 0
		for n := range findNumbers(s, comma) {
			at := strings.Index(s[from:], n.text)
			require.GreaterOrEqual(t, at, 0, "numbers are parts of the text, in order")
			from += at + len(n.text)
			require.NotEmpty(t, n.text)
			require.False(t, math.IsNaN(n.value) || math.IsInf(n.value, 0))
		}
		texts, values := numbersIn("so "+strconv.FormatInt(whole, 10)+" it is", comma)
		require.Equal(t, []string{strconv.FormatInt(whole, 10)}, texts)
		require.Equal(t, []float64{float64(whole)}, values)
	})
}
