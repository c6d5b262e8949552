package reporter

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness"
)

// pictures are the lines that were drawn on the terminal, one after another.
func pictures(s string) []string {
	return strings.Split(strings.TrimPrefix(s, "\r"), "\x1b[K\r")
}

func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		var p harness.Progress
		p.Total.Store(1000)
		p.Done.Store(100) // of an earlier start: they say nothing about the rate
		bar := StartProgress(&b, &p, ProgressOptions{Label: "support\x1b[2Jbot", Terminal: true, Width: 140})
		p.Running.Store(16)
		for range 10 {
			time.Sleep(time.Second)
			p.Done.Add(40)
		}
		p.Failed.Store(3)
		p.Errored.Store(1)
		p.MicroUSD.Store(420_000)
		time.Sleep(150 * time.Millisecond)
		_, err := bar.Write([]byte("a warning\n"))
		require.NoError(t, err)
		time.Sleep(100 * time.Millisecond)
		bar.Stop()
		bar.Stop()
		drawn := pictures(b.String())
		assert.Equal(t, `support\x1b[2Jbot  ━━──────────────────  100/1,000 10% · 16 running`, drawn[0])
		last := drawn[len(drawn)-3]
		assert.Equal(t, `support\x1b[2Jbot  ━━━━━━━━━━──────────  500/1,000 50% · 3 wrong · 1 error · 13s left · 40/s · $0.4200 · 16 running`, last)
		assert.Contains(t, b.String(), "\r\x1b[Ka warning\n\r", "the line makes room for others")
		assert.True(t, strings.HasSuffix(b.String(), "\r\x1b[K"), "and is gone in the end")
		assert.Less(t, len(bar.rate.samples), 30)
	})
}

func TestProgressFits(t *testing.T) {
	var p harness.Progress
	for _, total := range []int64{0, 7, 1_000_000_000} {
		p.Total.Store(total)
		p.Done.Store(total / 2)
		p.Failed.Store(12_345)
		p.Errored.Store(678)
		p.Running.Store(512)
		p.MicroUSD.Store(1e12)
		p.Abandoned.Store(4)
		for width := 40; width < 200; width += 7 {
			bar := &Progress{counts: &p, options: ProgressOptions{Label: strings.Repeat("名", 50), Terminal: true, Color: true}}
			bar.rate.add(time.Unix(0, 0), 0)
			bar.rate.add(time.Unix(5, 0), 1000)
			assert.LessOrEqual(t, columns(bar.line(width)), width)
		}
	}
}

func TestProgressElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		var p harness.Progress
		bar := StartProgress(&b, &p, ProgressOptions{Label: "suite", Every: 30 * time.Second, Color: true})
		p.Done.Store(3)
		time.Sleep(45 * time.Second)
		p.Total.Store(120)
		p.Done.Store(60)
		time.Sleep(30 * time.Second)
		bar.Stop()
		assert.Equal(t, "suite  3 done · 6.0/min · 0 running\nsuite  60/120 50% · 32s left · 1.9/s · 0 running\n", b.String())

		b.Reset()
		p.Total.Store(0)
		p.Planned.Store(2000)
		p.Errored.Store(2)
		p.Retries.Store(1)
		bar = StartProgress(&b, &p, ProgressOptions{Every: time.Second})
		p.Done.Store(63)
		time.Sleep(1500 * time.Millisecond)
		p.Retries.Store(7)
		time.Sleep(time.Second)
		bar.Stop()
		assert.Equal(t, "63 done of 2,000 so far · 2 errors · 1 retry · 3.0/s · 0 running\n"+
			"63 done of 2,000 so far · 2 errors · 7 retries · 1.5/s · 0 running\n", b.String(), "no end is promised that nobody knows")

		b.Reset()
		p.Waiting.Store(&harness.Waiting{Until: time.Now().Add(31 * time.Second), Why: "api.example asks to slow down (status 429)"})
		bar = StartProgress(&b, &p, ProgressOptions{Every: 20 * time.Second})
		time.Sleep(45 * time.Second)
		bar.Stop()
		assert.Equal(t, "63 done of 2,000 so far · waiting 12s: api.example asks to slow down (status 429) · 2 errors · 7 retries · 0 running\n"+
			"63 done of 2,000 so far · 2 errors · 7 retries · 0 running\n", b.String())

		b.Reset()
		quiet := StartProgress(&b, &p, ProgressOptions{})
		time.Sleep(time.Hour)
		quiet.Stop()
		assert.Empty(t, b.String(), "silence is the default in a log")
	})
}

func TestProgressEndsItsGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t)
	var p harness.Progress
	bar := StartProgress(&failing{0}, &p, ProgressOptions{Terminal: true})
	bar.Stop()
	bar = StartProgress(io.Discard, &p, ProgressOptions{Every: time.Hour})
	bar.Stop()
	bar.Stop()
}
