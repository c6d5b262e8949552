package reporter

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// ProgressOptions say how a run in progress is shown.
type ProgressOptions struct {
	// Label names the run, such as the suite.
	Label string
	// Terminal: w is one, and a line of it is drawn again and again. Otherwise
	// whole lines are written, as often as Every says.
	Terminal bool
	// Width of the terminal in columns, default 80.
	Width int
	// Color turns on colours.
	Color bool
	// Every is the time between two lines when w is no terminal. 0: none.
	Every time.Duration
}

// redraw is the time between two pictures on a terminal.
const redraw = 100 * time.Millisecond

// Progress shows how far a run is, until Stop.
type Progress struct {
	w       io.Writer
	counts  *harness.Progress
	options ProgressOptions
	rate    rate
	stop    chan struct{}
	once    sync.Once
	done    sync.WaitGroup

	mu    sync.Mutex // guards w and drawn
	drawn bool       // the terminal shows a line of ours
	err   error
}

// StartProgress shows p on w until Stop is called. Nothing else should write to
// the terminal meanwhile, except through the Progress, which is an io.Writer.
func StartProgress(w io.Writer, p *harness.Progress, o ProgressOptions) *Progress {
	out := &Progress{w: w, counts: p, options: o, stop: make(chan struct{})}
	every := o.Every
	if o.Terminal {
		every = redraw
	}
	out.rate.add(time.Now(), p.Done.Load())
	if every > 0 {
		out.done.Go(func() { out.loop(every) })
	}
	return out
}

// Stop ends it, waits for its goroutine and takes the line off the terminal. It
// may be called more than once.
func (p *Progress) Stop() {
	p.once.Do(func() { close(p.stop) })
	p.done.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// Write writes b, such as a warning, above the line. It should end a line. The
// text goes out as it is.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.w.Write(b)
}

var _ io.Writer = (*Progress)(nil)

func (p *Progress) loop(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-tick.C:
			p.rate.add(now, p.counts.Done.Load())
			p.draw()
		}
	}
}

// draw writes the line. When w fails there are no more.
func (p *Progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.options.Terminal {
		p.put(Terminal(p.line(1<<10)) + "\n")
		return
	}
	p.put("\r" + p.line(max(orDefault(p.options.Width, 80)-1, 20)) + "\x1b[K")
	p.drawn = true
}

func (p *Progress) erase() {
	if p.drawn {
		p.put("\r\x1b[K")
	}
	p.drawn = false
}

func (p *Progress) put(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}

// line is the state of the run in at most width columns. What matters least is
// left out first.
func (p *Progress) line(width int) string {
	c := p.counts
	done, total := c.Done.Load(), c.Total.Load()
	on := ink(p.options.Color && p.options.Terminal)
	bar := ""
	if total > 0 && p.options.Terminal && width >= 70 {
		bar = progressBar(done, total, 20) + "  "
	}
	text := count(done) + " done"
	if planned := c.Planned.Load(); total <= 0 && planned > done {
		text = fmt.Sprintf("%s of %s so far", text, count(planned))
	}
	if total > 0 {
		text = fmt.Sprintf("%s/%s %d%%", count(done), count(total), min(done, total)*100/total)
	}
	room := width - columns(bar) - columns(text)
	label := ""
	if p.options.Label != "" && room > 8 {
		label = safe(p.options.Label, min(room-2, 30)) + "  "
	}
	return on.bold(label) + on.green(bar) + text + p.details(on, done, total, room-columns(label))
}

// details are the rest of the line, each with its importance.
func (p *Progress) details(on ink, done, total int64, room int) string {
	c := p.counts
	perSecond := p.rate.perSecond()
	type detail struct {
		text  string
		paint func(string) string
	}
	plainly := func(s string) string { return s }
	var all []detail
	if w := c.Waiting.Load(); w != nil {
		if left := time.Until(w.Until); left > 0 {
			all = append(all, detail{"waiting " + remaining(left+time.Second/2) + ": " + safe(w.Why, 80), on.yellow})
		}
	}
	if n := c.Failed.Load(); n > 0 {
		all = append(all, detail{count(n) + " wrong", on.red})
	}
	if n := c.Errored.Load(); n > 0 {
		all = append(all, detail{Plural(n, "error", "errors"), on.yellow})
	}
	if n := c.Retries.Load(); n > 0 {
		all = append(all, detail{Plural(n, "retry", "retries"), on.yellow})
	}
	if perSecond > 0 && total > done {
		left := time.Duration(min(float64(total-done)/perSecond, 1e6) * float64(time.Second))
		all = append(all, detail{remaining(left) + " left", plainly})
	}
	if perSecond > 0 {
		all = append(all, detail{rateText(perSecond), on.dim})
	}
	if usd := c.MicroUSD.Load(); usd > 0 {
		all = append(all, detail{dollars(float64(usd) / 1e6), plainly})
	}
	all = append(all, detail{count(c.Running.Load()) + " running", on.dim})
	if n := c.Abandoned.Load(); n > 0 {
		all = append(all, detail{count(n) + " abandoned", on.yellow})
	}
	var b strings.Builder
	for _, d := range all {
		if room -= 3 + columns(d.text); room < 0 {
			break
		}
		b.WriteString(" · " + d.paint(d.text))
	}
	return b.String()
}

// remaining is a time span in whole seconds, or minutes when it is long.
func remaining(d time.Duration) string {
	if d = d.Round(time.Second); d < time.Minute {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return duration(d)
}

func rateText(perSecond float64) string {
	switch {
	case perSecond >= 10:
		return count(int64(perSecond+0.5)) + "/s"
	case perSecond >= 1:
		return fmt.Sprintf("%.1f/s", perSecond)
	}
	return fmt.Sprintf("%.1f/min", perSecond*60)
}

// progressBar is width columns wide.
func progressBar(done, total int64, width int) string {
	full := int(min(done, total) * int64(width) / total)
	return strings.Repeat("━", full) + strings.Repeat("─", width-full)
}

// rate measures how fast a count grows over the last window.
type rate struct {
	samples []sample
}

type sample struct {
	at time.Time
	n  int64
}

const window = 20 * time.Second

// add notes a count. Samples closer than a twentieth of the window replace each
// other, so that there are few of them.
func (r *rate) add(at time.Time, n int64) {
	if k := len(r.samples); k > 1 && at.Sub(r.samples[k-2].at) < window/20 {
		r.samples[k-1] = sample{at, n}
	} else {
		r.samples = append(r.samples, sample{at, n})
	}
	for len(r.samples) > 2 && at.Sub(r.samples[1].at) >= window {
		r.samples = r.samples[1:]
	}
}

// perSecond is 0 until something is done.
func (r *rate) perSecond() float64 {
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	if t := last.at.Sub(first.at).Seconds(); t > 0 {
		return max(float64(last.n-first.n)/t, 0)
	}
	return 0
}
